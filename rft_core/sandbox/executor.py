"""Run functions of user-written source in a child process that the parent can always kill.

What holds: the child is a process group of its own with an empty working folder, a scrubbed
environment, no inherited descriptors, limits on memory and file size, and (where the kernel lets
us) no network and no way to gain privileges. The parent's monotonic clock decides: at the deadline
the whole group is killed and the next call starts a fresh child. Answers are JSON, never pickle.

What does not hold: the child runs as the same user and can read what that user can read, start
processes (one that leaves the group outlives it) and forge its own answers. That is right for
reward functions that the owner of the machine wrote; it is no jail for code that a model wrote.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from rft_core.errors import RftError

CHILD = Path(__file__).with_name("child.py")
START_SECONDS = 20.0
TICK_SECONDS = 0.1  # how often the child's pulse is felt while waiting for its answer
LARGEST_ANSWER = 64 << 20
KEPT_OUTPUT = 64 << 10


@dataclass(frozen=True)
class Limits:
    """What one child may use. Memory is address space: torch alone maps about 2 GiB."""

    memory_bytes: int = 8 << 30
    file_bytes: int = 64 << 20


@dataclass(frozen=True)
class Failure:
    """Why a call gave no values. `kind`: exception, hang, died, syntax."""

    kind: str
    message: str
    line: int | None = None
    traceback: str = ""


@dataclass(frozen=True)
class CallResult:
    """What one call gave. `values` is None where it failed; they are not yet checked."""

    values: Any
    failure: Failure | None
    seconds: float
    stdout: str = ""
    extras: Mapping[str, list[str]] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)


class ChildDiedError(Exception):
    """The child ended before it answered; the text says how."""


class DeadlineError(Exception):
    """The child did not answer in time and was killed."""


class Executor:
    """One child, started at the first call and again after each death. Not thread-safe."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._child: _Child | None = None

    def __enter__(self) -> Executor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def protections(self) -> tuple[str, ...]:
        """The optional layers that hold: "no_network", "no_new_privs". Starts the child."""
        return self._ensure_child().protections

    def load(self, source: str, timeout: float) -> CallResult:
        """Run the source's module level, unless this child has done so already."""
        return self._ask({"source": source, "function": None}, timeout)

    def call(
        self, source: str, function: str, keywords: Mapping[str, Any], timeout: float
    ) -> CallResult:
        """Call `function` of `source` with JSON-able keywords; at most `timeout` seconds.

        Every failure of the user's code comes back as a `Failure`; nothing is raised for it.
        """
        request = {"source": source, "function": function, "keywords": keywords}
        return self._ask(request, timeout)

    def close(self) -> None:
        """Kill the child and everything in its process group."""
        if self._child:
            self._child.kill()
            self._child = None

    def _ask(self, request: Mapping[str, Any], timeout: float) -> CallResult:
        child = self._ensure_child()
        start = time.monotonic()
        failure = None
        answer: dict[str, Any] = {}
        try:
            answer = child.exchange(_frame(request), start + timeout)
        except DeadlineError:
            failure = Failure("hang", f"it took longer than {timeout:.3g} s and was stopped")
        except ChildDiedError as error:
            failure = Failure("died", f"its process ended: {error}")
        if failure:
            self.close()
        elif "failure" in answer:
            failure = Failure(**answer["failure"])
        seconds = time.monotonic() - start
        return CallResult(
            answer.get("values"),
            failure,
            seconds,
            child.take_output(),
            answer.get("extras", {}),
            answer.get("metrics", {}),
        )

    def _ensure_child(self) -> _Child:
        if self._child and not self._child.is_alive():
            self.close()  # killed while idle: nobody's fault
        if self._child is None:
            self._child = _Child(self._limits)
        return self._child


class _Child:
    """The process and its three pipes: requests in, answers out, and whatever it prints."""

    def __init__(self, limits: Limits) -> None:
        self._folder = tempfile.mkdtemp(prefix="rft-rewards-")
        request_end, self._requests = os.pipe()
        self._answers, answer_end = os.pipe()
        self._printed, print_end = os.pipe()
        command = [sys.executable, "-I", "-B", str(CHILD), str(request_end), str(answer_end)]
        self._process = subprocess.Popen(
            [*command, str(limits.memory_bytes), str(limits.file_bytes)],
            stdin=subprocess.DEVNULL,
            stdout=print_end,
            stderr=print_end,
            cwd=self._folder,
            env=_environment(self._folder),
            pass_fds=(request_end, answer_end),
            start_new_session=True,
        )
        for fd in (request_end, answer_end, print_end):
            os.close(fd)
        for fd in (self._requests, self._answers, self._printed):
            os.set_blocking(fd, False)
        self._output = bytearray()
        self._left_out = 0
        try:
            hello = self.exchange(b"", time.monotonic() + START_SECONDS)
        except (DeadlineError, ChildDiedError) as error:
            self.kill()
            output = self.take_output()
            raise RftError(
                "The process for reward functions did not start",
                output or str(error),
                "Check the limits on processes and memory of this machine",
            ) from error
        self.protections = tuple(hello["protections"])

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, request: bytes, deadline: float) -> dict[str, Any]:
        """Send the request, return the answer; printed text is drained all the while."""
        pending, answer = memoryview(request), bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._printed, selectors.EVENT_READ)
            if pending:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while not _is_complete(answer):
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise DeadlineError
                ready = {key.fd for key, _ in selector.select(min(remaining, TICK_SECONDS))}
                if self._requests in ready:
                    pending = pending[self._send(pending) :]
                    if not pending:
                        selector.unregister(self._requests)
                if self._printed in ready and not self._drain():
                    selector.unregister(self._printed)
                if self._answers in ready:
                    self._receive(answer)
                elif not ready and not self.is_alive():
                    raise ChildDiedError(self._ending())
        return self._decoded(answer)

    def kill(self) -> None:
        """End the whole process group and remove its folder. Safe to call twice."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._folder:
            self._drain()
            for fd in (self._requests, self._answers, self._printed):
                os.close(fd)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = ""

    def take_output(self) -> str:
        """What was printed since the last time, cut after 64 KiB."""
        if self._folder:
            self._drain()
        text = self._output.decode("utf-8", "replace")
        if self._left_out:
            text += f"\n… {self._left_out:,} more bytes were printed and left out."
        self._output, self._left_out = bytearray(), 0
        return text

    def _send(self, pending: memoryview) -> int:
        try:
            return os.write(self._requests, pending)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            self._process.wait()
            raise ChildDiedError(self._ending()) from None

    def _receive(self, answer: bytearray) -> None:
        part = os.read(self._answers, 1 << 20)
        if not part:
            # The pipe is closed: the child is gone, or it closed the descriptor and never answers.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=1)
            raise ChildDiedError(self._ending())
        answer += part
        if len(answer) > LARGEST_ANSWER:
            raise ChildDiedError("its answer is too large")

    def _drain(self) -> bool:
        """Read what has been printed; False at the end of the pipe."""
        while True:
            try:
                part = os.read(self._printed, 1 << 16)
            except BlockingIOError:
                return True
            if not part:
                return False
            kept = part[: max(0, KEPT_OUTPUT - len(self._output))]
            self._output += kept
            self._left_out += len(part) - len(kept)

    def _decoded(self, answer: bytearray) -> dict[str, Any]:
        try:
            decoded = json.loads(bytes(answer[4:]))
        except ValueError:
            raise ChildDiedError("its answer is garbled") from None
        if not isinstance(decoded, dict):
            raise ChildDiedError("its answer is garbled")
        return decoded

    def _ending(self) -> str:
        code = self._process.poll()
        if code is None:
            return "it closed the pipe to its parent"
        if code >= 0:
            return f"exit code {code}"
        return f"killed by {signal.Signals(-code).name}" + (
            " (out of memory?)" if code == -signal.SIGKILL else ""
        )


def _is_complete(answer: bytearray) -> bool:
    return len(answer) >= 4 and len(answer) >= 4 + struct.unpack(">I", answer[:4])[0]


def _frame(request: Mapping[str, Any]) -> bytes:
    body = json.dumps(request, default=_plain).encode()
    return struct.pack(">I", len(body)) + body


def _plain(value: Any) -> Any:
    """Row values that JSON does not know: arrays from Parquet, dates, sets ..."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, set | tuple) else str(value)


def _environment(folder: str) -> dict[str, str]:
    """Nothing of ours: no keys, tokens or proxies. One thread: the trainer needs the others."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
    }
