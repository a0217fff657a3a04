"""RunSink: where what a run does is recorded. `RunWriter` is one; so is silence.

Of several processes that train one policy, only the first writes: the others are given a
`SilentSink` and do exactly the same work otherwise. No backend starts several processes for one run
yet; a lock, checkpoints and the adapter that is left behind are still every process's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rft_core.store.preflights import StoredPreflight
from rft_core.store.run_writer import PartsDone, StepRecord


class RunSink(Protocol):
    """What training tells while it goes on. Each call is whole or not there at all."""

    def set_sandbox_tier(self, tier: str | None) -> None: ...
    def set_progress(
        self,
        phase: str,
        detail: str = "",
        *,
        step: int,
        max_steps: int,
        parts: PartsDone | None = None,
    ) -> None: ...
    def add_event(self, kind: str, message: str) -> None: ...
    def record_preflight(self, found: StoredPreflight) -> None: ...
    def record_step(self, record: StepRecord, *, max_steps: int) -> None: ...
    def add_checkpoint(
        self, *, step: int, resumable: bool, phases: Mapping[str, float] | None = None
    ) -> None: ...
    def set_checkpoint_not_resumable(self, step: int) -> None: ...
    def make_durable(self) -> None:
        """Everything recorded so far survives a power cut from here on."""
        ...


class SilentSink:
    """For every process but the first: nothing is recorded."""

    def set_sandbox_tier(self, tier: str | None) -> None: ...
    def set_progress(
        self,
        phase: str,
        detail: str = "",
        *,
        step: int,
        max_steps: int,
        parts: PartsDone | None = None,
    ) -> None: ...
    def add_event(self, kind: str, message: str) -> None: ...
    def record_preflight(self, found: StoredPreflight) -> None: ...
    def record_step(self, record: StepRecord, *, max_steps: int) -> None: ...
    def add_checkpoint(
        self, *, step: int, resumable: bool, phases: Mapping[str, float] | None = None
    ) -> None: ...
    def set_checkpoint_not_resumable(self, step: int) -> None: ...
    def make_durable(self) -> None: ...


def choose_sink(writer: RunSink, *, is_first: bool) -> RunSink:
    """`is_first`: whether this process is the one that records."""
    return writer if is_first else SilentSink()
