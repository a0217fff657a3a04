"""What one jailed process may use, and the kernel's switches of its process: limits, user, rights.

Limits count address space, not memory in use: importing torch maps about 2 GiB. They bind only a
process that cannot raise them again, so root is left first.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from dataclasses import dataclass

FIRST_USER, USERS = 60600, 500  # ids that distributions give to nobody
CAP_DAC_READ_SEARCH = 2
CAP_SYS_ADMIN = 21
CAPABILITIES_VERSION = 0x20080522
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NO_NEW_PRIVS = 1, 4, 8, 38
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Limits:
    """Per process. `scratch_bytes` is watched by the parent; the kernel enforces the others.

    Of files that were opened and deleted only `file_bytes` times `open_files` is a bound.
    """

    memory_bytes: int = 8 << 30
    file_bytes: int = 16 << 20
    scratch_bytes: int = 256 << 20
    open_files: int = 128
    threads: int = 256
    threads_of_all: int = 4096  # where all processes run as the same user, who is what counts


def apply_limits(limits: Limits, *, has_own_user: bool) -> None:
    threads = limits.threads if has_own_user else limits.threads_of_all
    for kind, value in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_NPROC, threads),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (wanted, wanted))


def choose_user(number: int) -> int | None:
    """A user id for the process of that number; None where only root could change it."""
    return FIRST_USER + number % USERS if os.getuid() == 0 else None


def leave_root(user: int, *, may_search: bool) -> None:
    """Become that user. `may_search`: still enter folders such as /root, to import.

    With that right only Landlock decides which files can be read: never ask for it without.
    """
    if may_search:
        LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if may_search:
        _set_capabilities(1 << CAP_DAC_READ_SEARCH)


def renounce_privileges() -> None:
    """No set-uid program can give any back; no neighbour can look inside; die with the parent."""
    _set(PR_SET_NO_NEW_PRIVS, 1)
    close_to_neighbours()
    die_with_parent()


def close_to_neighbours() -> None:
    """No other process of this user may read or write this one's memory, files or environment."""
    _set(PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """For the kernel that is the thread which started this process. A new user forgets it."""
    _set(PR_SET_PDEATHSIG, signal.SIGKILL)


def give_up_administration() -> None:
    """The right to mount, where Bubblewrap left it; the others stay."""
    header = struct.pack("=Ii", CAPABILITIES_VERSION, 0)
    held = ctypes.create_string_buffer(24)
    if LIBC.capget(header, held):
        raise OSError(ctypes.get_errno(), "capget failed")
    _effective, permitted, *_ = struct.unpack("=6I", held.raw)
    _set_capabilities(permitted & ~(1 << CAP_SYS_ADMIN))


def _set_capabilities(rights: int) -> None:
    """Effective and permitted, none to inherit. The upper halves are empty."""
    header = struct.pack("=Ii", CAPABILITIES_VERSION, 0)
    if LIBC.capset(header, struct.pack("=6I", rights, rights, 0, 0, 0, 0)):
        raise OSError(ctypes.get_errno(), "capset failed")


def _set(option: int, value: int) -> None:
    if LIBC.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option} failed")
