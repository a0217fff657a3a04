"""How much work something is, told so that a busy machine does not change it.

Seconds of this process's own CPU time, the least of a few tries, and only ever compared with other
such seconds in the same test.
"""

import time
from collections.abc import Callable


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
