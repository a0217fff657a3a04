"""The parent's end of one jailed process: three pipes, a deadline, and nothing believed.

Requests go in, exactly one frame comes back for each, and what is printed is kept apart. A time
limit is for what the process is charged with (`stopwatch.py`); the clock on the wall is the outer
bound, a few times as much. Bytes that come unasked, or after the frame, end the process.
"""

from __future__ import annotations

import os
import select
import selectors
import time
from itertools import chain
from typing import Any

from rft_core.sandbox import wire
from rft_core.sandbox.outcome import DeadlineError, ExecutionError, OutputLimitError
from rft_core.sandbox.scratch import Scratch
from rft_core.sandbox.stopwatch import Stopwatch

TICK_SECONDS = 0.1  # how often the scratch folder is measured
MOST_WALL = 8  # times the limit, by the clock on the wall
SHORTEST_WAIT = 0.01  # seconds, before a process that is nearly late is looked at again
LARGEST_ANSWER = 64 << 20
KEPT_OUTPUT = 64 << 10
MOST_OUTPUT = 64 << 20  # printed in one request


class Pipes:
    """Not thread-safe. `jailed_ends` are for the jailed process; close them after the fork.

    Raises `OSError` where there are no more descriptors, and leaves none open.
    """

    def __init__(self, scratch: Scratch) -> None:
        self._scratch = scratch
        self.watch = Stopwatch()
        ends = _open_pipes(3)
        request_end, self._requests = ends[0]
        self._answers, answer_end = ends[1]
        self._printed, print_end = ends[2]
        self.jailed_ends = [request_end, answer_end, print_end]
        self._open = [self._requests, self._answers, self._printed]
        for fd in self._open:
            os.set_blocking(fd, False)
        self._output, self._left_out = bytearray(), 0

    def close_jailed_ends(self) -> None:
        while self.jailed_ends:
            os.close(self.jailed_ends.pop())

    def close(self) -> None:
        """`take_output` still gives what had been printed."""
        self.close_jailed_ends()
        if self._open:
            self._drain()
        while self._open:
            os.close(self._open.pop())

    def is_silent(self) -> bool:
        """Nothing has come unasked, and the other end is still held."""
        ready = select.poll()
        ready.register(self._answers, select.POLLIN)
        return not ready.poll(0)

    def exchange(self, request: bytes, timeout: float) -> dict[str, Any]:
        """Send a frame and wait for the one that answers it. Raises `ExecutionError`.

        The seconds of `timeout` count from the last start of `watch`.
        """
        if request and not self.is_silent():
            raise ExecutionError("it answered before it was asked, or ended")
        pending, received = memoryview(request), bytearray()
        printed_before, next_look = self._left_out, 0.0
        with selectors.PollSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._printed, selectors.EVENT_READ)
            if pending:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while wire.missing_bytes(received) > 0:
                remaining = self._count_down(timeout)
                ready = {key.fd for key, _ in selector.select(min(remaining, TICK_SECONDS))}
                if self._requests in ready:
                    pending = pending[self._send(pending) :]
                    if not pending:
                        selector.unregister(self._requests)
                if self._printed in ready and not self._drain():
                    selector.unregister(self._printed)
                if self._answers in ready:
                    self._receive(received)
                if self._left_out - printed_before > MOST_OUTPUT:
                    raise OutputLimitError(f"it printed more than {MOST_OUTPUT >> 20} MiB")
                if time.monotonic() > next_look:
                    self._scratch.check_size()
                    next_look = time.monotonic() + TICK_SECONDS
        return self._decoded(received)

    def take_output(self) -> str:
        """What was printed since the last time, cut after 64 KiB."""
        if self._open:
            self._drain()
        text = self._output.decode("utf-8", "replace")
        if self._left_out:
            text += f"\n… {self._left_out:,} more bytes were printed and left out."
        self._output, self._left_out = bytearray(), 0
        return text

    def _count_down(self, timeout: float) -> float:
        """Seconds until it is worth asking again. Raises `DeadlineError` where none are left."""
        elapsed = self.watch.elapsed
        if elapsed < timeout:
            return timeout - elapsed
        charged = self.watch.read()
        if charged >= timeout or elapsed >= MOST_WALL * timeout:
            raise DeadlineError
        return max(timeout - charged, SHORTEST_WAIT)

    def _send(self, pending: memoryview) -> int:
        try:
            return os.write(self._requests, pending)
        except BlockingIOError:
            return 0
        except BrokenPipeError:
            raise ExecutionError("it closed the pipe to its parent") from None

    def _receive(self, received: bytearray) -> None:
        part = os.read(self._answers, 1 << 20)
        if not part:
            raise ExecutionError("it closed the pipe to its parent")
        received += part
        if len(received) + max(0, wire.missing_bytes(received)) > LARGEST_ANSWER:
            raise OutputLimitError("its answer is too large")

    def _drain(self) -> bool:
        """Read what has been printed; False at the end of the pipe. Bounded: floods can wait."""
        for _ in range(64):
            try:
                part = os.read(self._printed, 1 << 16)
            except BlockingIOError:
                return True
            if not part:
                return False
            kept = part[: max(0, KEPT_OUTPUT - len(self._output))]
            self._output += kept
            self._left_out += len(part) - len(kept)
        return True

    def _decoded(self, received: bytearray) -> dict[str, Any]:
        try:
            answer = wire.unpack(received)
        except ValueError as error:
            raise ExecutionError("its answer is garbled") from error
        if not self.is_silent():
            raise ExecutionError("it wrote more than its answer")
        return answer


def _open_pipes(count: int) -> list[tuple[int, int]]:
    """All of them or none."""
    ends: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            ends.append(os.pipe())
    except OSError:
        for fd in chain.from_iterable(ends):
            os.close(fd)
        raise
    return ends
