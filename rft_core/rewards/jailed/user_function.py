"""A user's reward function: called in a jailed process that has loaded its source once.

Keywords in: prompts, completions, completion_ids, every row column as a list, trainer_state,
log_extra, log_metric; those that the function does not accept are left out. Completions are plain
texts; a function that reads them as messages (completion[0]["content"]) is called again with
message lists, and a module that sets `CONVERSATIONAL = True` gets those from the start. Functions
of one source share one process, as they share its module. How a batch is scored by it: `calls.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.jailed.calls import CallResult, Failure, failure_of, score_batch
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.kept_session import KeptSession
from rft_core.sandbox.outcome import Outcome, Unscored
from rft_core.sandbox.server_kind import ServerKind, choose_kind
from rft_core.sandbox.session import get_program
from rft_core.sandbox.wire import to_json

RESERVED = {"prompt", "prompts", "completion", "completions", "completion_ids"} | {
    "trainer_state", "log_extra", "log_metric"
}  # fmt: skip


class SourceProcess:
    """The jailed process of one source, started when first needed, and anew where it ended."""

    def __init__(self, source: str, limits: Limits | None = None) -> None:
        self._source = source
        self.kind = choose_kind(source)
        self._session = KeptSession(get_program("reward_source", self.kind), limits or Limits())

    def load(self, timeout: float) -> CallResult:
        """Run the source's module level, unless the process has done so already."""
        return self._ask(None, {}, timeout)

    def call(self, function: str, keywords: Mapping[str, Any], timeout: float) -> CallResult:
        """Call the source's function, at most `timeout` seconds. Failures are results."""
        return self._ask(function, keywords, timeout)

    def close(self) -> None:
        self._session.close()

    def _ask(self, function: str | None, keywords: Mapping[str, Any], timeout: float) -> CallResult:
        arguments = {
            "source": self._source, "function": function, "keywords": to_json(keywords)
        }  # fmt: skip
        reply = self._session.call("score", arguments, timeout)
        if isinstance(reply, Unscored) or reply.outcome is not Outcome.OK:
            stdout = "" if isinstance(reply, Unscored) else reply.stdout
            return CallResult(failure=failure_of(reply), stdout=stdout)
        if not _is_answer(reply.value):
            self._session.close()  # it was forged: nothing in that process is to be believed
            failure = Failure("died", "its process ended: its answer is garbled")
            return CallResult(failure=failure, stdout=reply.stdout)
        answer = reply.value
        failed = answer["failure"] and Failure(**answer["failure"])
        return CallResult(
            answer["values"], failed, reply.stdout, answer["extras"], answer["metrics"]
        )


def _is_answer(answer: Any) -> bool:
    """What `programs/reward_source.py` would give; it may have been forged."""
    if not isinstance(answer, dict) or answer.keys() != {"values", "failure", "extras", "metrics"}:
        return False
    scores, failure = answer["values"], answer["failure"]
    return (
        (failure is None or (_is_failure(failure) and scores is None))
        and _are_values(scores)
        and isinstance(answer["extras"], dict)
        and all(_are_texts([name]) and _are_texts(c) for name, c in answer["extras"].items())
        and isinstance(answer["metrics"], dict)
        and all(_are_texts([name]) and _is_number(v) for name, v in answer["metrics"].items())
    )


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
        return scores.keys() == {"not_a_list"} and _are_texts(list(scores.values()))
    return scores is None or (
        isinstance(scores, list)
        and all(
            value is None
            or (_is_number(value) and math.isfinite(value))
            or (isinstance(value, dict) and value.keys() == {"bad", "shown"})
            for value in scores
        )
    )


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _are_texts(texts: Any) -> bool:
    return isinstance(texts, list) and all(isinstance(text, str) for text in texts)


class UserFunction:
    """A Python entry of a reward set, for whole batches."""

    def __init__(self, entry: RewardEntry, context: GraderContext) -> None:
        self._entry, self._context = entry, context
        source = entry.source or ""
        self._process = context.share_as(source, lambda: SourceProcess(source))

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        return score_batch(self._entry.name, self, batch, timeout)

    def close(self) -> None:
        """Its process is the context's."""

    @property
    def kind(self) -> ServerKind:
        return self._process.kind

    def load(self, timeout: float) -> CallResult:
        return self._process.load(timeout)

    def call(self, batch: Batch, indices: Sequence[int], timeout: float) -> CallResult:
        columns = {name for row in batch.rows for name in row} - RESERVED
        keywords: dict[str, Any] = {
            name: [batch.rows[index].get(name) for index in indices] for name in sorted(columns)
        }
        keywords |= {
            "prompts": [[dict(message) for message in batch.prompts[index]] for index in indices],
            "completions": [batch.completions[index] for index in indices],
            "completion_ids": [
                [int(token) for token in batch.completion_ids[index]]
                if batch.completion_ids
                else []
                for index in indices
            ],
            "trainer_state": {"global_step": self._context.step or 0}
            | ({"max_steps": self._context.max_steps} if self._context.max_steps else {}),
        }
        return self._process.call(self._entry.function, keywords, timeout)
