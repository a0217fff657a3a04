"""Try the jail by acting: each trial does one forbidden thing and reports whether it was stopped.

A trial belongs to one layer and is tried with that layer alone, so that no other covers for it: a
layer that is missing, or silently without effect, is found here and not in an incident. `tiers.py`
runs them and draws the conclusion.
"""

import ctypes
import importlib
import mmap
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from rft_core.sandbox.jail.jail import BUBBLEWRAP, LANDLOCK, LIMITS, SECCOMP, USER

Facts = Mapping[str, Any]  # what the parent set up for the trials: paths, a port, its process id
FAMILIES = (socket.AF_UNIX, socket.AF_INET, socket.AF_INET6, 16, 17, 38, 40)  # … netlink, packet, …
PTRACE_TRACEME = 0
IS_WATCHED = False
LIBRARIES = "use libraries"  # which must work, as all others must not


def regain_root(facts: Facts) -> None:
    os.setresuid(0, 0, 0)


def read_the_server(facts: Facts) -> None:
    """What all others are forked from: its memory, its open files, its environment."""
    server = Path(f"/proc/{os.getppid()}")
    for name in ("mem", "environ", "maps"):
        with suppress(OSError):
            os.close(os.open(server / name, os.O_RDONLY))
            return
    list((server / "fd").iterdir())


def exceed_memory(facts: Facts) -> None:
    mmap.mmap(-1, facts["memory_bytes"]).close()  # asked for, not touched


def write_a_large_file(facts: Facts) -> None:
    with Path("large").open("wb") as file:
        file.truncate(facts["file_bytes"] + 1)


def open_many_files(facts: Facts) -> None:
    with ExitStack() as files:
        for _ in range(facts["open_files"]):
            files.enter_context(Path(os.devnull).open())


def read_outside_scratch(facts: Facts) -> None:
    (Path(facts["neighbour"]) / "file").read_bytes()


def write_outside_scratch(facts: Facts) -> None:
    (Path(facts["neighbour"]) / "new").write_bytes(b"")


def leave_scratch_by_a_link(facts: Facts) -> None:
    with suppress(FileExistsError):
        Path("link").symlink_to(facts["neighbour"])
    Path("link/file").read_bytes()


def fork(facts: Facts) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def execute(facts: Facts) -> None:
    with suppress(FileNotFoundError):  # nothing stopped the attempt, there is just no such program
        os.execv("/no such program", ["x"])


def open_a_socket(facts: Facts) -> None:
    refused = None
    for family in FAMILIES:
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
        except OSError as error:
            refused = error
        else:
            return
    assert refused is not None
    raise refused


def signal_the_parent(facts: Facts) -> None:
    os.kill(os.getppid(), 0)


def be_traced(facts: Facts) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_TRACEME, 0, 0, 0):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def change_a_mode(facts: Facts) -> None:
    Path("mode").touch()
    Path("mode").chmod(0o777)


def see_other_files(facts: Facts) -> None:
    Path(facts["outside"]).read_bytes()


def see_other_processes(facts: Facts) -> None:
    stat = Path(f"/proc/{facts['pid']}/stat").read_text()
    if stat.rpartition(")")[2].split()[19] != facts["start_time"]:
        raise ProcessLookupError("another process has that id here")


def reach_the_network(facts: Facts) -> None:
    socket.create_connection(("127.0.0.1", facts["port"]), timeout=2).close()


def use_libraries(facts: Facts) -> None:
    """What honest programs import: a view of the machine that lacks it is of no use to them."""
    for name in facts["libraries"]:
        if importlib.import_module(name).__file__ is None:
            raise ImportError(f"of {name} there is nothing but a folder")


Trial = tuple[str, Callable[[Facts], None]]  # its layer, and the attempt
TRIALS: dict[str, Trial] = {
    "regain root": (USER, regain_root),
    "read the fork server": (USER, read_the_server),
    "exceed the memory": (LIMITS, exceed_memory),
    "write a large file": (LIMITS, write_a_large_file),
    "open many files": (LIMITS, open_many_files),
    "read outside scratch": (LANDLOCK, read_outside_scratch),
    "write outside scratch": (LANDLOCK, write_outside_scratch),
    "leave scratch by a link": (LANDLOCK, leave_scratch_by_a_link),
    "fork": (SECCOMP, fork),
    "execute a program": (SECCOMP, execute),
    "open a socket": (SECCOMP, open_a_socket),
    "signal the parent": (SECCOMP, signal_the_parent),
    "be traced": (SECCOMP, be_traced),
    "change a file's mode": (SECCOMP, change_a_mode),
    "see other files": (BUBBLEWRAP, see_other_files),
    "see other processes": (BUBBLEWRAP, see_other_processes),
    "reach the network": (BUBBLEWRAP, reach_the_network),
    LIBRARIES: (BUBBLEWRAP, use_libraries),
}


def attempt(name: str, facts: Facts) -> dict[str, Any]:
    """{"held": was it stopped, "detail": how}. Called from outside, as any program of ours is."""
    must_work = name == LIBRARIES
    try:
        TRIALS[name][1](facts)
    except (OSError, MemoryError, ImportError) as error:
        return {"held": not must_work, "detail": str(error) or type(error).__name__}
    return {"held": must_work, "detail": "they are there" if must_work else "nothing stopped it"}
