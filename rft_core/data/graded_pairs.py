"""Pairs from graded groups: of the completions of one prompt, the better against the worse ones.

The best is put against the worst, then the second best against the second worst, as long as their
rewards lie at least a margin apart; a group whose completions all earned the same says nothing. At
most a few pairs come from one prompt, else easy prompts would make up the set. Length is the
standard hack of preferences: it is measured, and pairs of like length can be asked for. A pure
function; `evaluation/run_pairs.py` reads the groups from a run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from rft_core.data.pair_set import Pair, prompt_key
from rft_core.errors import BadInputError
from rft_core.types import Messages, Row


@dataclass(frozen=True)
class GradedAnswer:
    """`reward` None: it could not be judged. A truncated answer has not ended where it stops."""

    text: str
    reward: float | None
    num_tokens: int
    truncated: bool = False


@dataclass(frozen=True)
class GradedGroup:
    """All answers that were sampled together for one prompt. `name` tells it from other groups."""

    name: str
    messages: Messages
    row: Row
    answers: tuple[GradedAnswer, ...]


@dataclass(frozen=True)
class PairChoice:
    """Which pairs are wanted.

    `margin`: by how much their rewards differ at least. `match_length`: by what share of the longer
    one their lengths in tokens may differ; None: by any.
    """

    margin: float = 0.5
    max_per_prompt: int = 4
    match_length: float | None = None

    def __post_init__(self) -> None:
        if not self.margin > 0:
            raise BadInputError(
                f"A margin of {self.margin:g} is not possible",
                "answers that earned the same are no preference",
                "Give a number above 0",
            )
        if self.max_per_prompt < 1 or not 0 <= (self.match_length or 0) <= 1:
            raise BadInputError(
                "These pairs cannot be chosen",
                f"max_per_prompt is {self.max_per_prompt}, match_length {self.match_length}",
                "Ask for one pair a prompt or more, and for a share of length from 0 to 1",
            )


@dataclass(frozen=True)
class ChosenPairs:
    """The pairs, and what became of the groups. Lengths are in tokens.

    `longer_chosen`: share of the pairs whose chosen answer is the longer one, ties half.
    """

    pairs: tuple[Pair, ...]
    groups: int
    without_variance: int
    longer_chosen: float | None
    length_difference: float | None

    def describe(self) -> str:
        parts = [f"{len(self.pairs):,} pairs from {self.groups:,} groups"]
        if self.without_variance:
            parts.append(f"{self.without_variance:,} groups earned one reward and say nothing")
        if self.longer_chosen is not None:
            parts.append(
                f"the chosen answer is the longer one in {self.longer_chosen:.0%}, by "
                f"{self.length_difference:+.1f} tokens on average"
            )
        return "; ".join(parts) + "."


def choose_pairs(
    groups: Iterable[GradedGroup], choice: PairChoice, source: str = ""
) -> ChosenPairs:
    """In the groups' order. One text is used once per prompt on either side."""
    pairs: list[Pair] = []
    lengths: list[tuple[int, int]] = []
    count = without_variance = 0
    taken: Counter[str] = Counter()
    seen: set[tuple[str, str, str]] = set()
    for group in groups:
        count += 1
        answers = [a for a in group.answers if a.reward is not None and not a.truncated]
        without_variance += len({answer.reward for answer in answers}) < 2
        prompt = prompt_key(group.messages)
        for chosen, rejected in _match(answers, choice):
            key = (prompt, chosen.text, rejected.text)
            if taken[prompt] >= choice.max_per_prompt or key in seen:
                continue
            taken[prompt] += 1
            seen.add(key)
            pairs.append(_make_pair(group, chosen, rejected, source))
            lengths.append((chosen.num_tokens, rejected.num_tokens))
    return ChosenPairs(
        tuple(pairs), count, without_variance,
        longer_chosen=fmean(0.5 if a == b else float(a > b) for a, b in lengths) if pairs else None,
        length_difference=fmean(a - b for a, b in lengths) if pairs else None,
    )  # fmt: skip


def _match(
    answers: list[GradedAnswer], choice: PairChoice
) -> Iterator[tuple[GradedAnswer, GradedAnswer]]:
    """Best first, each with the worst that is left and fits; no answer twice."""
    best_first = sorted(answers, key=_reward, reverse=True)
    left = best_first[::-1]
    for chosen in best_first:
        if not any(chosen is one for one in left):
            continue
        fitting = (one for one in left if _fits(chosen, one, choice))
        rejected = next(fitting, None)
        if rejected is not None:
            left = [one for one in left if one is not chosen and one is not rejected]
            yield chosen, rejected


def _fits(chosen: GradedAnswer, rejected: GradedAnswer, choice: PairChoice) -> bool:
    if _reward(chosen) - _reward(rejected) < choice.margin or chosen.text == rejected.text:
        return False
    if choice.match_length is None:
        return True
    longer = max(chosen.num_tokens, rejected.num_tokens)
    return abs(chosen.num_tokens - rejected.num_tokens) <= choice.match_length * longer


def _make_pair(
    group: GradedGroup, chosen: GradedAnswer, rejected: GradedAnswer, source: str
) -> Pair:
    margin = round(_reward(chosen) - _reward(rejected), 9)
    return Pair(
        group.messages, chosen.text, rejected.text, group.row, margin, source, group.name
    )  # fmt: skip


def _reward(answer: GradedAnswer) -> float:
    assert answer.reward is not None  # the others have been left out
    return answer.reward
