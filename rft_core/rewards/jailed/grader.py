"""A grader of ours whose texts could run away: asked in a jailed process that runs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.grader_info import GraderInfo
from rft_core.rewards.jailed.calls import (
    FLAG_COLUMN,
    REASON_COLUMN,
    CallResult,
    Failure,
    failure_of,
    score_batch,
)
from rft_core.sandbox.kept_session import KeptSession
from rft_core.sandbox.outcome import Outcome, Unscored
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import JailedProgram
from rft_core.sandbox.wire import to_json


class JailedGrader:
    """One entry's grader, for whole batches. Entries of one grader share a process."""

    def __init__(self, info: GraderInfo, entry: RewardEntry, context: GraderContext) -> None:
        assert info.jailed
        self._name, self._jailed = entry.name, info.jailed
        self._options = info.with_defaults(entry)
        program = JailedProgram(ServerKind.GRADERS, info.jailed.module)
        self._session = context.share_as(program, lambda: KeptSession(program))

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """The time grows with the batch, so that a slow completion takes none from the others."""
        timeout += self._jailed.seconds_each * len(batch)
        return score_batch(self._name, self, batch, timeout)

    def close(self) -> None:
        """Its process is the context's."""

    @property
    def kind(self) -> ServerKind:
        return ServerKind.GRADERS

    def load(self, timeout: float) -> CallResult:
        return CallResult()  # its server has imported everything

    def call(self, batch: Batch, indices: Sequence[int], timeout: float) -> CallResult:
        column = self._options.get("column", "")
        pairs = [(batch.completions[index], batch.rows[index].get(column)) for index in indices]
        arguments = {"batch": to_json(pairs), "options": self._options}
        reply = self._session.call("grade_batch", arguments, timeout)
        if isinstance(reply, Unscored) or reply.outcome is not Outcome.OK:
            return CallResult(failure=failure_of(reply))
        if not _are_grades(reply.value, len(pairs)):
            return CallResult(failure=Failure("died", "its answer is garbled"))
        scores, reasons, flags = map(list, zip(*reply.value, strict=True))
        return CallResult(scores, extras={REASON_COLUMN: reasons, FLAG_COLUMN: flags})


def _are_grades(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(map(_is_grade, value))


def _is_grade(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and [type(part) for part in value[1:]] == [str, str]
        and (value[0] is None or type(value[0]) is float)
    )
