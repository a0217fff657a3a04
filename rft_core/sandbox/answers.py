"""Check what a jailed process answered, field by field: it may have been forged.

`read_answer` is for users' reward functions, `read_reply` for our programs.

What has the wrong shape is no answer. The values themselves (a number per completion?) are judged
by the rewards, which know what they asked for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from rft_core.sandbox.inside import values
from rft_core.sandbox.outcome import ExecutionError, Outcome
from rft_core.sandbox.provider import Reply


@dataclass(frozen=True)
class Failure:
    """Why a call gave no values. `kind`: exception, memory, syntax, hang, died, unusable."""

    kind: str
    message: str
    line: int | None = None
    traceback: str = ""
    outcome: Outcome = Outcome.CANDIDATE_ERROR


@dataclass(frozen=True)
class Answer:
    values: Any = None
    failure: Failure | None = None
    extras: dict[str, list[str]] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)


def read_answer(answer: dict[str, Any]) -> Answer:
    """Raises `ExecutionError` where it is not what `cell.py` would have written."""
    scores, failure = answer.get("values"), answer.get("failure")
    extras, metrics = answer.get("extras"), answer.get("metrics")
    if not (
        (failure is None or _is_failure(failure))
        and (failure is None or scores is None)
        and _are_values(scores)
        and isinstance(extras, dict)
        and all(_are_texts(column) for column in extras.values())
        and isinstance(metrics, dict)
        and all(_is_number(value, finite=False) for value in metrics.values())
    ):
        raise ExecutionError("its answer is garbled")
    return Answer(scores, _read_failure(failure), extras, metrics)


def read_reply(answer: dict[str, Any]) -> Reply:
    """Raises `ExecutionError` where it is not what `program_cell.py` would have written."""
    outcome, detail, blocked = answer.get("outcome"), answer.get("detail"), answer.get("blocked")
    if (
        answer.keys() != {"outcome", "value", "detail", "blocked"}
        or outcome not in ("ok", "candidate_error", "oom")
        or not isinstance(detail, str)
        or not _are_texts(blocked)
    ):
        raise ExecutionError("its answer is garbled")
    try:
        value = values.decode(answer["value"])
    except values.DecodeError as error:
        raise ExecutionError(f"its answer is garbled: {error}") from error
    return Reply(Outcome(outcome), value, detail, blocked=tuple(answer["blocked"]))


def _read_failure(failure: dict[str, Any] | None) -> Failure | None:
    if failure is None:
        return None
    outcome = Outcome.OOM if failure["kind"] == "memory" else Outcome.CANDIDATE_ERROR
    return Failure(**failure, outcome=outcome)


def _is_failure(failure: Any) -> bool:
    return (
        isinstance(failure, dict)
        and failure.keys() == {"kind", "message", "line", "traceback"}
        and failure["kind"] in ("exception", "memory", "syntax")
        and (failure["line"] is None or type(failure["line"]) is int)
        and _are_texts([failure["message"], failure["traceback"]])
    )


def _are_values(scores: Any) -> bool:
    """None, {"not_a_list": ...}, or a list of None, finite numbers and {"bad", "shown"}."""
    if isinstance(scores, dict):
        return _are_texts(list(scores.values()))
    return scores is None or (
        isinstance(scores, list)
        and all(
            value is None
            or _is_number(value, finite=True)
            or (isinstance(value, dict) and value.keys() == {"bad", "shown"})
            for value in scores
        )
    )


def _is_number(value: Any, *, finite: bool) -> bool:
    return type(value) in (int, float) and (not finite or math.isfinite(value))


def _are_texts(texts: Any) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)
