"""The fork server as its parent sees it: start it, spawn jailed processes, end them, leave nothing.

One server per user of the sandbox, under bubblewrap where that works. Killing the server kills all
it spawned: bubblewrap's process namespace goes with it, and each process asked for its parent's
death. Everything lies in one temporary folder, which `close` removes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rft_core.sandbox import jail
from rft_core.sandbox.bubblewrap import find_bubblewrap, wrap
from rft_core.sandbox.channel import Channel
from rft_core.sandbox.limits import NOBODY, Limits
from rft_core.sandbox.outcome import ExecutionError, InfrastructureError

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent.parent
START_SECONDS = 20.0
ANSWER_SECONDS = 10.0  # for a fork, or for the end of a killed process
GRACE_SECONDS = 0.2  # for a process that closed its pipe to end by itself, and say why
SEARCH = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
PROGRAM = f"{SEARCH}from rft_core.sandbox.zygote import main; main()"


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


class Process:
    """One jailed process: ask it through the channel, then `ForkServer.end` it.

    Its `pid` is the one that the server knows it by, in the server's namespace.
    """

    def __init__(self, pid: int, scratch: Path, channel: Channel) -> None:
        self.pid, self.scratch, self.channel = (
            pid,
            scratch,
            channel,
        )  # pid: in the server's namespace


class ForkServer:
    """Starts at once; raises `InfrastructureError` if it cannot. Not thread-safe."""

    def __init__(self, *, bubblewrap: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="rft-sandbox-")).resolve()
        self.cells = self.folder / "cells"  # what bubblewrap shows: one scratch folder per process
        self.folder.chmod(0o755)
        self.cells.mkdir(mode=0o755)
        self.has_bubblewrap = bubblewrap
        self._count = 0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = (self.folder / "server.log").open("wb")
        command = [sys.executable, "-I", "-B", "-c", PROGRAM, str(theirs.fileno())]
        if bubblewrap:
            ours = [str(PACKAGE.parent / "__init__.py"), str(PACKAGE)]
            readable = [*jail.get_python_folders(), *ours]
            command = wrap(find_bubblewrap() or "bwrap", command, readable, str(self.cells))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                cwd=self.cells,
                env=_environment(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            theirs.close()
            self._receive(START_SECONDS)
        except (OSError, InfrastructureError) as error:
            said = (self.folder / "server.log").read_text(errors="replace").strip()
            self.close()
            raise InfrastructureError(said.splitlines()[-1] if said else str(error)) from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def spawn(self, limits: Limits, layers: Sequence[str] = jail.INNER_LAYERS) -> Process:
        """A new jailed process that has said hello. Raises `InfrastructureError`."""
        self._count += 1
        scratch = self.cells / str(self._count)
        scratch.mkdir(mode=0o711)
        if os.getuid() == 0 and jail.USER in layers:
            os.chown(scratch, NOBODY, NOBODY)
        channel = Channel(scratch, limits.scratch_bytes)
        wanted = {
            "scratch": str(scratch),
            "layers": list(layers),
            "limits": asdict(limits),
            "may_search": self._is_hidden_from_nobody(),
        }
        try:
            pid = self._ask({"spawn": wanted}, channel.jailed_ends)["pid"]
            channel.close_jailed_ends()
            process = Process(pid, scratch, channel)
            hello = channel.exchange(b"", time.monotonic() + START_SECONDS)
        except ExecutionError as error:
            channel.close()
            raise InfrastructureError(f"a process could not be started: {error}") from error
        if hello.get("refusal"):
            self.end(process)
            raise InfrastructureError(f"a layer could not be applied: {hello['refusal']}")
        return process

    def end(self, process: Process, grace: float = 0.0) -> Ending:
        """Kill it, after at most `grace` seconds for ending by itself, and remove its folder."""
        try:
            return Ending(**self._ask({"end": process.pid, "grace": grace}))
        finally:
            process.channel.close()
            shutil.rmtree(process.scratch, ignore_errors=True)

    def close(self) -> None:
        """End the server and everything it spawned. Safe to call twice."""
        self._control.close()
        if hasattr(self, "_process"):
            try:
                self._process.wait(GRACE_SECONDS)  # it ends its processes when the socket closes
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_hidden_from_nobody(self) -> bool:
        """Does Python, or our folder, lie where only root may go? Bubblewrap lays a path to it."""
        if self.has_bubblewrap:
            return False
        paths = [Path(folder) for folder in (*jail.get_python_folders(), str(self.cells))]
        ways = {step for path in paths for step in (path, *path.parents)}
        return not all(step.stat().st_mode & 0o001 for step in ways)

    def _ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> dict[str, Any]:
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], fds)
        except OSError as error:
            raise InfrastructureError("the fork server is gone") from error
        return self._receive(ANSWER_SECONDS)

    def _receive(self, seconds: float) -> dict[str, Any]:
        self._control.settimeout(seconds)
        try:
            message = self._control.recv(1 << 16)
        except OSError as error:
            raise InfrastructureError("the fork server does not answer") from error
        if not message:
            raise InfrastructureError("the fork server is gone")
        answer: dict[str, Any] = json.loads(message)
        return answer


def _environment() -> dict[str, str]:
    """Nothing of ours: no keys, tokens or proxies. One thread: the trainer needs the others."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "USER": "nobody",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
