"""The fork server's own process: warm, single-threaded, and it never runs anyone's code itself.

Starting Python and importing takes 0.1 s, with torch 2 s; forking a process that has done so takes
milliseconds. The parent asks through one socket. `import` imports a module of ours, which all later
forks inherit. `spawn` forks: attached are three pipe ends for the new process (requests, answers,
prints) and one that this process keeps, to write into how the new one ended; its answer brings a
descriptor of the new process. These two are answered; `end`, which kills, is not: its answer is the
ending. Each spawned process forgets where this project is, enters the jail, says hello through its
pipe, and from there speaks with the parent directly. This process ends when the parent does: the
socket closes.
"""

from __future__ import annotations

import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from rft_core.sandbox.inside import huge_pages, jailed_worker
from rft_core.sandbox.inside.warm_up import warm_up
from rft_core.sandbox.jail import bubblewrap, jail, limits
from rft_core.sandbox.server_kind import ServerKind

LARGEST_MESSAGE = 1 << 16
HIDDEN: list[ModuleType] = []
HOME_VARIABLES = ("HOME", "TMPDIR", "TRITON_HOME")  # no two processes share Triton's cache
GATHER_AT = 30  # forks; gathering takes 0.3 s, and saves 10 ms in each that follows
FIRST_FREE, MOST_DESCRIPTORS = 5, 1 << 16  # below: 0 to 2, and two pipes


def main() -> None:
    """Serve the socket whose descriptor is the program's last argument; before it, the kind."""
    be_first_to_go()  # children inherit it; afterwards this process may not write there any more
    limits.close_to_neighbours()  # what is forked from here must not be able to reach back
    if sys.argv[-3] == "wrapped":
        bubblewrap.hide_processes()
    control = socket.socket(fileno=int(sys.argv[-1]))
    control.set_inheritable(False)
    limits.die_with_parent()  # a fork of the parent's may hold the socket open after its death
    warm_up(ServerKind(sys.argv[-2]))
    server = ServerProcess(control, jail.prepare(FIRST_FREE))
    gc.freeze()  # objects of before the fork are never collected, so their pages stay shared
    control.send(b'{"ready": true}')
    server.serve()


def be_first_to_go() -> None:
    """When memory runs out, the larger of such processes goes first: not this one."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def hide_the_project() -> None:
    """Other people's code imports from the environment, not from here: forget how we were found."""
    sys.path_importer_cache.pop(sys.path.pop(0), None)
    for name in [name for name in sys.modules if name.startswith("rft_core")]:
        HIDDEN.append(sys.modules.pop(name))  # to free it would write to pages that are shared


@dataclass(frozen=True)
class Child:
    """A forked process, known by a descriptor that polls as ready once it has ended."""

    pid: int
    ending: int  # the pipe for its exit code


@dataclass
class ServerProcess:
    control: socket.socket
    prepared: jail.Prepared
    programs: dict[str, ModuleType] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)
    forks: int = 0
    poll: select.poll = field(default_factory=select.poll)

    def serve(self) -> None:
        self.poll.register(self.control, select.POLLIN)
        while True:
            for fd, _ in self.poll.poll():
                if fd in self.children:
                    self.report(fd)
                elif not self.answer(*socket.recv_fds(self.control, LARGEST_MESSAGE, 4)[:2]):
                    return

    def answer(self, message: bytes, fds: list[int]) -> bool:
        """Do what is asked. False once the parent is gone, and with it everything else."""
        if not message:
            for watch in list(self.children):
                signal.pidfd_send_signal(watch, signal.SIGKILL)
                self.report(watch)
            return False
        request: dict[str, Any] = json.loads(message)
        if "end" in request:
            self.end(request["end"])
            return True
        answer: dict[str, Any]
        shown: list[int]
        try:
            if "import" in request:
                answer, shown = self.import_program(request["import"]), []
            else:
                answer, shown = self.spawn(request, fds)
        except Exception as error:  # ours or the machine's: the parent decides what to do
            answer, shown = {"error": f"{type(error).__name__}: {error}"}, []
        for fd in fds:
            os.close(fd)
        socket.send_fds(self.control, [json.dumps(answer).encode()], shown)
        return True

    def import_program(self, name: str) -> dict[str, Any]:
        self.programs[name] = importlib.import_module(name)
        gc.freeze()
        return {}

    def spawn(self, request: dict[str, Any], fds: list[int]) -> tuple[dict[str, Any], list[int]]:
        program = self.programs[request["module"]]
        *pipes, ending = fds
        self.forks += 1
        if self.forks == GATHER_AT:
            huge_pages.gather()
        itself = os.getpid()
        pid = os.fork()
        if pid == 0:
            become_jailed(itself, pipes, request["spawn"], self.prepared, program)
        watch = os.pidfd_open(pid)
        self.children[watch] = Child(pid, os.dup(ending))
        self.poll.register(watch, select.POLLIN)
        return {"pid": pid}, [watch]

    def end(self, pid: int) -> None:
        """Kill it, if it is still there; the ending will tell which of the two it was."""
        for watch, child in self.children.items():
            if child.pid == pid:
                signal.pidfd_send_signal(watch, signal.SIGKILL)

    def report(self, watch: int) -> None:
        """Its exit code, or minus the signal, to whoever waits for its end."""
        child = self.children.pop(watch)
        self.poll.unregister(watch)
        os.close(watch)
        code = os.waitstatus_to_exitcode(os.waitpid(child.pid, 0)[1])
        with suppress(BrokenPipeError):  # nobody waits any more
            os.write(child.ending, struct.pack("=i", code))
        os.close(child.ending)


def become_jailed(
    parent: int,
    pipes: list[int],
    wanted: dict[str, Any],
    prepared: jail.Prepared,
    program: ModuleType,
) -> NoReturn:
    """The forked process: sort the descriptors, enter the jail, answer requests until the end."""
    try:
        requests, answers = take_descriptors(pipes, prepared.descriptors)
        for name in HOME_VARIABLES:
            os.environ[name] = wanted["scratch"]
        tempfile.tempdir = None  # what was imported ahead has asked for it, and it is remembered
        try:
            hide_the_project()
            jailed = jail.Jail(**wanted | {"limits": limits.Limits(**wanted["limits"])})
            jail.enter(jailed, prepared)
            if os.getppid() != parent:
                raise ProcessLookupError("the fork server ended before the jail closed")
        except Exception as error:  # whatever it is, the parent must hear of it
            jailed_worker.hello(answers, refusal=f"{type(error).__name__}: {error}")
        else:
            os.closerange(FIRST_FREE, MOST_DESCRIPTORS)
            jailed_worker.hello(answers)
            jailed_worker.serve(requests, answers, jailed_worker.start(program))
            os._exit(0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(1)


def take_descriptors(pipes: list[int], kept: range) -> tuple[int, int]:
    """Nothing on 0, prints on 1 and 2, the two pipes on 3 and 4; else only what is `kept`."""
    requests, answers, prints = (fcntl.fcntl(fd, fcntl.F_DUPFD, kept.stop) for fd in pipes)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for place, end in enumerate((prints, prints, requests, answers), start=1):
        os.dup2(end, place)
    os.closerange(FIRST_FREE, kept.start)
    os.closerange(kept.stop, MOST_DESCRIPTORS)
    return 3, 4
