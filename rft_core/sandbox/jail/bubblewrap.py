"""Bubblewrap: a view of the machine that holds Python, one scratch folder, and nobody else.

New mount, process, network, IPC and host-name namespaces; see bwrap(1). It needs the program
`bwrap`, 0.5 or later, and a kernel that lets this user make namespaces (Ubuntu 24.04 does not, by
default). The fork server is process 1 in there: no helper of Bubblewrap's, which is open to whoever
has its user id, stands beside it. It hides each process from the others itself, with a right that
it gives up before anything else runs.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from rft_core.sandbox.jail.jail import DEVICES, STREAMS, SYSTEM_FILES
from rft_core.sandbox.jail.limits import LIBC, give_up_administration

# What root's fork server needs: to let its children become nobody, and to kill them then.
KEPT_BY_ROOT = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")
TO_HIDE_PROCESSES = "CAP_SYS_ADMIN"
LISTED = "0755"
PASS_THROUGH = "0111"  # of the folders above what is shown: nobody lists what lies in /tmp or /home
NO_SUID, NO_DEVICES, NO_PROGRAMS = 2, 4, 8  # flags of mount(2)


def find_bubblewrap() -> str | None:
    return shutil.which("bwrap")


def wrap(
    program: str,
    command: Sequence[str],
    readable: Sequence[str],
    scratch: str,
    listed: Sequence[str] = (),
) -> list[str]:
    """The command line that runs `command` inside. Paths keep their names.

    `listed`: folders above what is readable whose content may be seen, as far as it is shown.
    """
    line = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL"]
    line += ["--cap-add", TO_HIDE_PROCESSES]
    if os.getuid() == 0:
        line += [word for name in KEPT_BY_ROOT for word in ("--cap-add", name)]
    else:
        line += ["--unshare-user"]
    paths = [path for path in (*SYSTEM_FILES, *readable) if not path.startswith("/proc")]
    for step in _steps_to([*paths, *DEVICES, scratch]):
        line += ["--perms", LISTED if step in listed else PASS_THROUGH, "--dir", step]
    line += ["--proc", "/proc"]
    for path in paths:
        if Path(path).is_symlink() and path.startswith("/lib"):  # /lib -> usr/lib
            line += ["--symlink", str(Path(path).readlink()), path]
        elif not path.startswith("/dev"):
            line += ["--ro-bind-try", path, path]
    for path in [path for path in (*paths, *DEVICES) if path.startswith("/dev")]:
        line += ["--dev-bind-try", path, path]
    for number, name in enumerate(STREAMS):
        line += ["--symlink", f"/proc/self/fd/{number}", name]
    return [*line, "--bind", scratch, scratch, "--remount-ro", "/", "--chdir", scratch, *command]


def hide_processes() -> None:
    """From inside: /proc anew, in which each process finds itself alone. See proc(5), hidepid.

    Where the kernel refuses, all process numbers can be seen, and nothing else of the others.
    """
    flags = ctypes.c_ulong(NO_SUID | NO_DEVICES | NO_PROGRAMS)
    LIBC.mount(b"proc", b"/proc", b"proc", flags, b"hidepid=2")
    give_up_administration()


def _steps_to(paths: Sequence[str]) -> list[str]:
    """The folders above the paths, outermost first."""
    steps = {str(step) for path in paths for step in Path(path).parents}
    return sorted(steps - {"/"})
