"""The clock of a run's phases: of every second, which one part of the work it was spent on.

Always the innermost that is under way: a phase that begins inside another one stops that one's
time, so that all phases together are all the time there was. What no phase claims is `other`.
`store/phase_times.py` says which phases there are, and what they mean.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rft_core.store.phase_times import OTHER


class PhaseClock:
    """Seconds by phase, going on from those of `earlier` lives. For one thread."""

    def __init__(
        self,
        earlier: Mapping[str, float] | None = None,
        read_time: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._seconds = dict(earlier or {})
        self._read_time = read_time
        self._under_way = [OTHER]
        self._last = read_time()

    def read(self) -> dict[str, float]:
        """The totals until now."""
        self._credit()
        return dict(self._seconds)

    def begin(self, phase: str) -> None:
        self._credit()
        self._under_way.append(phase)

    def end(self) -> None:
        """Of the phase that was begun last; the one around it goes on."""
        self._credit()
        self._under_way.pop()

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        self.begin(phase)
        try:
            yield
        finally:
            self.end()

    def _credit(self) -> None:
        now, phase = self._read_time(), self._under_way[-1]
        self._seconds[phase] = self._seconds.get(phase, 0.0) + now - self._last
        self._last = now
