"""The fork server's own process: warm, single-threaded, and it never runs anyone's code itself.

Starting Python and importing takes 100 ms, forking a process that has done so takes 2. The parent
asks through one socket, one message and one answer at a time: `spawn` (with three pipe ends
attached: requests, answers, prints) or `end`. Each spawned process enters the jail, says hello
through its pipe, and from there speaks with the parent directly. This process ends when the parent
does: the socket closes.
"""

from __future__ import annotations

import gc
import json
import os
import select
import signal
import socket
import sys
import traceback
from typing import Any, NoReturn

from rft_core.sandbox import cell, jail, limits

PRELOADED = (
    *("asyncio", "collections", "dataclasses", "datetime", "decimal", "fractions", "functools"),
    *("itertools", "math", "random", "re", "statistics", "string", "typing"),
)
LARGEST_MESSAGE = 1 << 16


def main() -> None:
    """Serve the socket whose descriptor is the program's last argument."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    control.set_inheritable(False)
    for name in PRELOADED:
        __import__(name)
    hide_the_project()
    gc.freeze()  # objects of before the fork are never collected, so their pages stay shared
    control.send(b'{"ready": true}')
    serve(control)


def hide_the_project() -> None:
    """User code imports from the environment, not from here: forget how we were found."""
    sys.path.pop(0)
    for name in [name for name in sys.modules if name.split(".")[0] == "rft_core"]:
        del sys.modules[name]


def serve(control: socket.socket) -> None:
    alive: set[int] = set()
    while True:
        message, pipes, _, _ = socket.recv_fds(control, LARGEST_MESSAGE, 3)
        if not message:
            break
        request: dict[str, Any] = json.loads(message)
        answer: dict[str, Any]
        if "end" in request:
            answer = end(request["end"], request["grace"])
            alive.discard(request["end"])
        else:
            pid = os.fork()
            if pid == 0:
                become_cell(control, pipes, request["spawn"])
            alive.add(pid)
            answer = {"pid": pid}
            for fd in pipes:
                os.close(fd)
        control.send(json.dumps(answer).encode())
    for pid in alive:
        end(pid, 0)


def end(pid: int, grace: float) -> dict[str, Any]:
    """Wait at most `grace` seconds for its end, then kill it; its exit code or minus the signal."""
    fd = os.pidfd_open(pid)
    try:
        by_itself = bool(select.select([fd], [], [], grace)[0])
        os.kill(pid, signal.SIGKILL)
    finally:
        os.close(fd)
    return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "by_itself": by_itself}


def become_cell(control: socket.socket, pipes: list[int], wanted: dict[str, Any]) -> NoReturn:
    """The forked process: sort the descriptors, enter the jail, answer requests until the end."""
    try:
        control.close()
        requests, answers = take_descriptors(*pipes)
        os.environ["HOME"] = os.environ["TMPDIR"] = wanted["scratch"]
        try:
            jail.enter(jail.Jail(**wanted | {"limits": limits.Limits(**wanted["limits"])}))
        except Exception as error:  # whatever it is, the parent must hear of it
            cell.hello(answers, refusal=f"{type(error).__name__}: {error}")
        else:
            cell.hello(answers)
            cell.serve(requests, answers)
            os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def take_descriptors(requests: int, answers: int, prints: int) -> tuple[int, int]:
    """Nothing on 0, prints on 1 and 2, the two pipes on 3 and 4, and no other descriptor."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(prints, 1)
    os.dup2(prints, 2)
    os.dup2(requests, 3)  # the kernel numbers from below, so neither dup2 hits a pipe still needed
    os.dup2(answers, 4)
    os.closerange(5, 1 << 16)
    return 3, 4
