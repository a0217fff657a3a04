"""Bubblewrap: a view of the machine that holds Python, one scratch folder, and nobody else.

New mount, process, network, IPC and host-name namespaces; see bwrap(1). It needs the program
`bwrap` and a kernel that lets this user make namespaces (Ubuntu 24.04 does not, by default).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from rft_core.sandbox.jail.jail import DEVICES, STREAMS, SYSTEM_FILES

# What root's fork server needs: to let its children become nobody, and to kill them then.
KEPT_BY_ROOT = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL")


def find_bubblewrap() -> str | None:
    return shutil.which("bwrap")


def wrap(program: str, command: Sequence[str], readable: Sequence[str], scratch: str) -> list[str]:
    """The command line that runs `command` inside. Paths keep their names."""
    line = [program, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    line += ["--unshare-cgroup-try", "--die-with-parent", "--cap-drop", "ALL"]
    if os.getuid() == 0:
        line += [word for name in KEPT_BY_ROOT for word in ("--cap-add", name)]
    else:
        line += ["--unshare-user"]
    paths = [path for path in (*SYSTEM_FILES, *readable) if not path.startswith("/proc")]
    for step in _steps_to([*paths, *DEVICES, scratch]):
        line += ["--dir", step]  # open to all; made on the way to a bind they would be root's alone
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


def _steps_to(paths: Sequence[str]) -> list[str]:
    """The folders above the paths, outermost first."""
    steps = {str(step) for path in paths for step in Path(path).parents}
    return sorted(steps - {"/"})
