"""The best and the worst of what a preflight tried, kept with it: nothing else stores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.types import Messages

EACH = 3  # of the best, and of the worst


@dataclass(frozen=True)
class TriedCompletion:
    """One completion and what it earned. `request`: what the user asked last."""

    request: str
    completion: str
    num_tokens: int
    truncated: bool
    reward: float | None
    scores: Mapping[str, float | None]
    reasons: Mapping[str, str]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class BestAndWorst:
    """Both best first, and none in both. What could not be judged counts as worst of all."""

    best: tuple[TriedCompletion, ...] = ()
    worst: tuple[TriedCompletion, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.best)


def pick_examples(data: DryRunData, each: int = EACH) -> BestAndWorst:
    """Where there are fewer than twice `each`, the worst are those that are left."""
    rewards = data.rewards
    known = (index for index, reward in enumerate(rewards) if reward is not None)
    order = sorted(known, key=lambda index: -(rewards[index] or 0.0))
    order += [index for index, reward in enumerate(rewards) if reward is None]
    best, rest = order[:each], order[each:]
    worst = rest[-each:]
    return BestAndWorst(
        tuple(_read_example(data, index) for index in best),
        tuple(_read_example(data, index) for index in worst),
    )


def _read_example(data: DryRunData, index: int) -> TriedCompletion:
    sample = data.scoring.samples[index]
    return TriedCompletion(
        _storable(_request(data.batch.prompts[index])),
        _storable(data.batch.completions[index]),
        len(data.batch.completion_ids[index]),
        data.truncated[index],
        sample.reward,
        dict(sample.scores),
        {name: _storable(reason) for name, reason in sample.reasons.items()},
        tuple(map(_storable, sample.flags)),
    )


def _request(messages: Messages) -> str:
    asked = [message["content"] for message in messages if message["role"] == "user"]
    return asked[-1] if asked else messages[-1]["content"]


def _storable(text: str) -> str:
    """Half of a surrogate pair, as a function's reason may hold one, is no JSON."""
    return text.encode("utf-8", "replace").decode("utf-8")
