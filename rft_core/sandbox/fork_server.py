"""The fork server as its parent sees it: start it, spawn jailed processes, end them, leave nothing.

It stands under Bubblewrap where that works. Killing the server kills all it spawned: Bubblewrap's
process namespace goes with it, and each process asked for its parent's death. Everything lies in
one temporary folder, which `close` removes.
"""

from __future__ import annotations

import compileall
import itertools
import json
import os
import secrets
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rft_core.sandbox.jail import jail
from rft_core.sandbox.jail.bubblewrap import find_bubblewrap, wrap
from rft_core.sandbox.jail.limits import Limits, choose_user
from rft_core.sandbox.outcome import ExecutionError, InfrastructureError
from rft_core.sandbox.pipes import Pipes
from rft_core.sandbox.scratch import Scratch
from rft_core.sandbox.server_kind import ENVIRONMENT, ServerKind
from rft_core.sandbox.workspace import Workspace

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent.parent
TRIAL_MODULE = f"{__package__}.inside.trials"
START_SECONDS = 60.0
ANSWER_SECONDS = 10.0  # for a fork, or for the end of a killed process
GRACE_SECONDS = 0.2  # for a process that closed its pipe to end by itself, and say why
SEARCH = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
COMMAND = f"{SEARCH}from rft_core.sandbox.inside.server_process import main; main()"


@dataclass(frozen=True)
class Ending:
    """How a process ended: its exit code, or minus the signal; was it already gone when killed?"""

    code: int
    by_itself: bool

    def __str__(self) -> str:
        if not self.by_itself:
            return "it closed the pipe to its parent"
        if self.code >= 0:
            return f"exit code {self.code}"
        out_of_memory = " (out of memory?)" if self.code == -signal.SIGKILL else ""
        return f"killed by {signal.Signals(-self.code).name}{out_of_memory}"


@dataclass(frozen=True)
class Process:
    """One jailed process: ask it through the pipes, then `ForkServer.end` it."""

    pid: int  # in the server's namespace
    scratch: Scratch
    pipes: Pipes
    ending: int  # a pipe: its exit code, or nothing where the server ended too


class ForkServer:
    """Starts at once; raises `InfrastructureError` if it cannot.

    Several threads may use it: only the fork itself is one at a time.
    """

    def __init__(self, *, bubblewrap: bool, kind: ServerKind = ServerKind.PYTHON) -> None:
        _compile_ourselves()
        self._workspace = Workspace()
        self.folder, self.cells = self._workspace.folder, self._workspace.cells
        self.has_bubblewrap = bubblewrap
        self._may_search = self._is_hidden_from_nobody()
        self._numbers = itertools.count(1)
        self._imported: set[str] = set()
        self._lock = threading.Lock()  # of the control socket: one question and answer at a time
        self._is_behind = False  # an answer may still come that nobody waits for
        self._closing = ExitStack()
        self._closing.callback(self._workspace.close)
        try:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._closing.callback(self._control.close)
            with theirs:
                self._log = self._closing.enter_context((self.folder / "server.log").open("wb"))
                self._process = self._start(kind, theirs.fileno())
            self._receive(START_SECONDS)
        except (OSError, InfrastructureError) as error:
            said = ""
            with suppress(OSError):  # such as: no more descriptors
                said = (self.folder / "server.log").read_text(errors="replace").strip()
            self.close()
            raise InfrastructureError(said.splitlines()[-1] if said else str(error)) from error

    def _start(self, kind: ServerKind, control: int) -> subprocess.Popen[bytes]:
        """The server's process, with its end of the control socket."""
        arguments = ["wrapped" if self.has_bubblewrap else "bare", kind, str(control)]
        command = [sys.executable, "-I", "-B", "-c", COMMAND, *arguments]
        if self.has_bubblewrap:
            readable = [*jail.get_python_folders(), *_list_ours(kind)]
            program, searched = find_bubblewrap() or "bwrap", [str(ROOT), str(PACKAGE.parent)]
            command = wrap(program, command, readable, str(self.cells), searched)
        return _start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=self.cells,
            env=_environment() | ENVIRONMENT[kind],
            pass_fds=[control],
            start_new_session=True,
            umask=0o022,  # jailed users pass through folders that bubblewrap makes
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def spawn(
        self,
        limits: Limits,
        layers: Sequence[str] = jail.INNER_LAYERS,
        module: str = TRIAL_MODULE,
    ) -> Process:
        """A new jailed process that has said hello. Raises `InfrastructureError`.

        It knows the functions of `module`, one of ours, which the server imports only once.
        """
        number = next(self._numbers)
        user = choose_user(number) if jail.USER in layers else None
        with ExitStack() as undoing:
            try:
                # A name that no neighbour can guess: without Landlock, it is what hides it.
                scratch = Scratch(self.cells / secrets.token_hex(8), user, limits.scratch_bytes)
                undoing.callback(scratch.remove)
                pipes = Pipes(scratch)
                undoing.callback(pipes.close)
                ending, their_ending = os.pipe()
            except OSError as error:
                raise InfrastructureError(f"a process could not be prepared: {error}") from error
            undoing.callback(os.close, ending)
            jailed = jail.Jail(str(scratch.folder), tuple(layers), limits, user, self._may_search)
            try:
                self._ensure_imported(module)
                request = {"spawn": asdict(jailed), "module": module}
                answer, received = self._ask(request, [*pipes.jailed_ends, their_ending])
                if not received:  # the kernel leaves out what this process has no number for
                    with self._lock:
                        self._send({"end": answer["pid"]})
                    raise InfrastructureError("there are no more descriptors")
            finally:
                os.close(their_ending)
            undoing.pop_all()
        pipes.watch.follow(received[0])
        os.close(received[0])
        process = Process(answer["pid"], scratch, pipes, ending)
        try:
            pipes.close_jailed_ends()
            hello = pipes.exchange(b"", START_SECONDS)
        except ExecutionError as error:
            how = self.end(process, GRACE_SECONDS)
            raise InfrastructureError(f"a process could not be started: {error}, {how}") from error
        if hello.get("refusal"):
            self.end(process)
            raise InfrastructureError(f"a layer could not be applied: {hello['refusal']}")
        return process

    def end(self, process: Process, grace: float = 0.0) -> Ending:
        """Kill it, after at most `grace` seconds for ending by itself, and remove its folder.

        Raises `InfrastructureError` where the server itself is gone.
        """
        try:
            ended = select.poll()
            ended.register(process.ending, select.POLLIN)
            by_itself = bool(ended.poll(1000 * grace))
            if not by_itself:
                with self._lock:
                    self._send({"end": process.pid})
                if not ended.poll(1000 * ANSWER_SECONDS):
                    raise InfrastructureError("the fork server does not answer")
            code = os.read(process.ending, 4)
            if not code:
                raise InfrastructureError("the fork server is gone")
            return Ending(struct.unpack("=i", code)[0], by_itself)
        finally:
            os.close(process.ending)
            process.pipes.close()
            process.scratch.remove()

    def close(self) -> None:
        """End the server and everything it spawned. Safe to call twice."""
        with self._lock:
            if hasattr(self, "_control"):
                self._control.close()
        if hasattr(self, "_process"):
            try:
                self._process.wait(GRACE_SECONDS)  # it ends its processes when the socket closes
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._closing.close()

    def disown(self) -> None:
        """In a fork of the process that started it: let go of what is that one's."""
        self._control.close()
        self._log.close()
        self._workspace.disown()

    def _is_hidden_from_nobody(self) -> bool:
        """Does Python, or our folder, lie where only root may go? Bubblewrap lays a path to it."""
        if self.has_bubblewrap:
            return False
        paths = [Path(folder) for folder in (*jail.get_python_folders(), str(self.cells))]
        ways = {step for path in paths for step in (path, *path.parents)}
        return not all(step.stat().st_mode & 0o001 for step in ways)

    def _ensure_imported(self, module: str) -> None:
        if module not in self._imported:
            self._ask({"import": module}, [], START_SECONDS)
            self._imported.add(module)

    def _ask(
        self, request: dict[str, Any], fds: Sequence[int], seconds: float = ANSWER_SECONDS
    ) -> tuple[dict[str, Any], list[int]]:
        """The answer, and the descriptors that came with it.

        Once an answer has not come in time nothing more is asked: what comes then is the late one.
        """
        with self._lock:
            if self._is_behind:
                raise InfrastructureError("the fork server does not answer")
            self._send(request, fds)
            self._is_behind = True
            answer, received = self._receive(seconds)
            self._is_behind = False
        if "error" in answer:
            raise InfrastructureError(f"the fork server failed: {answer['error']}")
        return answer, received

    def _send(self, request: dict[str, Any], fds: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        except OSError as error:
            raise InfrastructureError("the fork server is gone") from error

    def _receive(self, seconds: float) -> tuple[dict[str, Any], list[int]]:
        try:
            self._control.settimeout(seconds)
            message, fds, *_ = socket.recv_fds(self._control, 1 << 16, 1)
        except OSError as error:
            raise InfrastructureError("the fork server does not answer") from error
        if not message:
            raise InfrastructureError("the fork server is gone")
        return json.loads(message), fds


def _list_ours(kind: ServerKind) -> list[str]:
    """What of this project is shown to a server: what it imports, and no grader to a candidate."""
    if kind is ServerKind.GRADERS:
        return [str(PACKAGE.parent)]
    return [str(PACKAGE.parent / "__init__.py"), str(PACKAGE)]


def _compile_ourselves() -> None:
    """The server may write no file, so without this it would compile our modules at each start."""
    if not sys.dont_write_bytecode:
        compileall.compile_dir(PACKAGE, quiet=2)


def _start(command: Sequence[str], **how: Any) -> subprocess.Popen[bytes]:
    """Start it from a thread that stays until it ends.

    For the kernel, the parent that bubblewrap is to die with is the thread that started it.
    """
    started: Future[subprocess.Popen[bytes]] = Future()

    def start_and_stay() -> None:
        try:
            process = subprocess.Popen(command, **how)
        except OSError as error:
            started.set_exception(error)
        else:
            started.set_result(process)
            process.wait()

    threading.Thread(target=start_and_stay, name="fork server", daemon=True).start()
    return started.result()


def _environment() -> dict[str, str]:
    """Nothing of ours: no keys, tokens or proxies. One thread: the trainer needs the others."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "nobody",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
