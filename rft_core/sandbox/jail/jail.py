"""Put this process into the jail, layer by layer. There is no way out; a layer that fails is fatal.

The layers overlap on purpose: what one of them misses, or a kernel bug opens, the next one holds.
Bubblewrap is the outermost and stands around the whole fork server (`bubblewrap.py`).
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from rft_core.sandbox.jail import landlock, limits, seccomp

USER, LIMITS, LANDLOCK, SECCOMP, BUBBLEWRAP = "user", "limits", "landlock", "seccomp", "bubblewrap"
INNER_LAYERS = (USER, LIMITS, LANDLOCK, SECCOMP)  # in the order in which they are put on

DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
STREAMS = ("/dev/stdin", "/dev/stdout", "/dev/stderr")  # links to what is open already
SYSTEM_FILES = (
    *("/dev/urandom", "/dev/random", "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share"),
    *("/usr/local/lib", "/usr/local/cuda", "/etc/ld.so.cache", "/etc/localtime"),
    *("/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
)
PYTHON_PARTS = ("bin", "lib", "lib64", "share", "pyvenv.cfg")
PROC_SELF = "/proc/self"  # another one for every process


@dataclass(frozen=True)
class Jail:
    """How one process is locked in. `layers` is all of the inner ones but in probes and tests."""

    scratch: str
    layers: Sequence[str] = INNER_LAYERS
    limits: limits.Limits = field(default_factory=limits.Limits)
    user: int | None = None  # to become, one for each process; None: stay who it is
    may_search: bool = False


def get_python_folders() -> list[str]:
    """Where this interpreter's libraries and those of its virtual environment are.

    Not whole prefixes: /usr is one, and people keep projects in /usr/src or in an environment.
    """
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    prefixes |= {os.path.realpath(prefix) for prefix in prefixes}
    parts = {os.path.join(prefix, part) for prefix in prefixes for part in PYTHON_PARTS}  # noqa: PTH118
    return sorted(part for part in parts if os.path.exists(part))  # noqa: PTH110


@dataclass(frozen=True)
class Prepared:
    """What entering needs and is the same for every process: made once, before the forks."""

    rules: Sequence[landlock.Rule]

    @property
    def descriptors(self) -> range:
        """All that `enter` needs lie within."""
        numbers = [number for number, _ in self.rules]
        return range(min(numbers), max(numbers) + 1)


def prepare(first_descriptor: int) -> Prepared:
    with suppress(KeyError):  # a machine without a filter: `enter` will say so
        seccomp.get_template(os.uname().machine)
    rules = landlock.open_rules([*SYSTEM_FILES, *get_python_folders()], DEVICES)
    moved = [(fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, first_descriptor), r) for fd, r in rules]
    for fd, _ in rules:
        os.close(fd)
    return Prepared(moved)


def enter(jail: Jail, prepared: Prepared) -> None:
    """Apply the layers to this process. Raises `OSError` where one cannot be applied."""
    os.chdir(jail.scratch)  # before nobody may not pass a folder on the way to it
    os.umask(0o077)  # what it writes is for its own user's eyes
    os.setsid()  # where the kernel groups processes by session, each gets an equal turn
    if LIMITS in jail.layers:
        limits.apply_limits(jail.limits, has_own_user=jail.user is not None)
    if USER in jail.layers and jail.user is not None:
        limits.leave_root(jail.user, may_search=jail.may_search and LANDLOCK in jail.layers)
    limits.renounce_privileges()
    if LANDLOCK in jail.layers:
        itself = landlock.open_rules([PROC_SELF], ())
        landlock.restrict([*prepared.rules, *itself], jail.scratch)
    if SECCOMP in jail.layers:
        seccomp.install()
