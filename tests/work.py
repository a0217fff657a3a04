"""How much work something is, told so that a busy machine does not change it.

The lines of Python that it runs; or, where the work is not Python's, seconds of this process's own
CPU time, the least of a few tries. Both are only ever compared with others in the same test.
"""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(call: Callable[[], object]) -> int:
    """How many lines of Python it ran: the same on every machine, however busy."""
    count = 0

    def trace(_frame: FrameType, event: str, _value: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


def cpu_seconds(call: Callable[[], object], tries: int = 3) -> float:
    """The least CPU time that a call took; never 0, so that it can be divided by."""
    return max(min(_once(call) for _ in range(tries)), 1e-6)


def growth(call: Callable[[int], object], size: int, times: int = 4) -> float:
    """How many times as long it takes with `times` the size: 4 if linear, 16 if as its square."""
    return cpu_seconds(lambda: call(size * times)) / cpu_seconds(lambda: call(size))


def _once(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start
