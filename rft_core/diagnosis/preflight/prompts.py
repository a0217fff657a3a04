"""How often each prompt is solved: too hard and too easy ones teach nothing, the others do.

A prompt that every completion solves, or none, gives a group of equal scores and no gradient
(DAPO, arXiv 2503.14476, section 3.2, leaves such groups out). With few completions the judgement
is noisy: a prompt solved once in ten is missed by eight completions four times in ten.

Scores that are compared within a group say who is better and not who is right: there the best of a
group pass, and a group of equals is neither too hard nor too easy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rft_core.data import PromptSet, Split, make_prompt_set
from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.deciding import FULL, find_paid_deciding
from rft_core.rewards.in_group import stretch
from rft_core.rewards.shaping import score_range
from rft_core.types import Row

MOST_BARS = 10  # of the histogram, besides the one at 0


@dataclass(frozen=True)
class PassRule:
    """A completion passes with at least `threshold` from `function`; "": from the whole reward."""

    function: str
    threshold: float


@dataclass(frozen=True)
class PassRates:
    """For each prompt the share of its scored completions that pass; None where it is not known."""

    rule: PassRule
    rates: tuple[float | None, ...]

    @property
    def too_hard(self) -> tuple[int, ...]:
        """Prompts that no completion solved, by index."""
        return tuple(index for index, rate in enumerate(self.rates) if rate == 0)

    @property
    def too_easy(self) -> tuple[int, ...]:
        return tuple(index for index, rate in enumerate(self.rates) if rate == 1)

    @property
    def between(self) -> tuple[int, ...]:
        return tuple(i for i, rate in enumerate(self.rates) if rate is not None and 0 < rate < 1)

    def histogram(self, group_size: int) -> list[int]:
        """Prompts by pass rate: never, at equal distances in between, always."""
        bars = min(group_size, MOST_BARS)
        counts = [0] * (bars + 1)
        for rate in self.rates:
            if rate is not None:
                inner = min(max(round(rate * bars), 1), bars - 1)
                counts[bars * int(rate) if rate in (0, 1) else inner] += 1
        return counts


def find_pass_rule(data: DryRunData) -> PassRule:
    """The last of the paid functions that say what is right, and the highest score it can give."""
    if not (deciding := find_paid_deciding(data.reward_set)):
        return PassRule("", FULL)
    absolute = [entry for entry in deciding if not entry.in_group]
    name = (absolute or deciding)[-1].name
    return PassRule(name, find_highest(data, name))


def find_highest(data: DryRunData, function: str) -> float:
    """The highest score that can be reached, as far as is known; "": of the whole reward."""
    if not function:
        parts = [
            entry.weight * find_highest(data, entry.name)
            for entry in data.reward_set.entries
            if entry.weight > 0
        ]
        return math.fsum(parts)
    seen = [score for score in data.scores(function) if score is not None]
    return score_range(_get_entry(data, function), seen)[1]


def measure_pass_rates(data: DryRunData, rule: PassRule | None = None) -> PassRates:
    """By default with the rule that suits the reward set."""
    rule = rule or find_pass_rule(data)
    scores = data.scores(rule.function) if rule.function else data.rewards
    groups = [[s for s in group if s is not None] for group in data.grouped(scores)]
    if rule.function and _get_entry(data, rule.function).in_group:
        groups = [_stretch_unequal(group) for group in groups]
    return PassRates(rule, tuple(_rate(group, rule) for group in groups))


def keep_prompts(prompt_set: PromptSet, rows: Sequence[Row], name: str) -> PromptSet:
    """A new set that trains on `rows` of the old one alone; the validation rows stay.

    Raises `BadInputError` where nothing would be left.
    """
    kept = [row for row in prompt_set.train_rows if row in rows]
    if not kept:
        raise BadInputError(
            "No prompt would be left",
            "None of those tried was solved by some completions and not by others",
            "Try more prompts, or other ones",
        )
    validation = prompt_set.validation_rows
    last = len(kept) + len(validation)
    split = Split(tuple(range(len(kept))), tuple(range(len(kept), last)), prompt_set.split.seed)
    return make_prompt_set(
        [*kept, *validation],
        name=name,
        template=prompt_set.template,
        split=split,
        task=prompt_set.task,
        mapping=prompt_set.mapping,
        source=f"{prompt_set.name}, neither too hard nor too easy",
    )


def _get_entry(data: DryRunData, function: str) -> RewardEntry:
    [entry] = [entry for entry in data.reward_set.entries if entry.name == function]
    return entry


def _stretch_unequal(group: Sequence[float]) -> list[float]:
    """Those who share the best rank have all of it; nothing where all are equal."""
    return stretch(group) if len(set(group)) > 1 else []


def _rate(group: Sequence[float], rule: PassRule) -> float | None:
    return sum(s >= rule.threshold - 1e-9 for s in group) / len(group) if group else None
