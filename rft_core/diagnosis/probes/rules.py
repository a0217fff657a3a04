"""When a probe pays: what a completion earned, against what it is owed.

The yardsticks are completions of the same prompt: the gold one, wrong answers in the right form, a
refusal in the right form, a wrong answer without the form, nothing at all. Being relative to these,
the rules hold for any scale: offsets, penalties and partial credit change nothing. The thresholds
were set on the planted and sound rewards under tests/diagnosis, and tried on others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rft_core.diagnosis.probes.answers import kind_of
from rft_core.diagnosis.probes.attacks import Debt
from rft_core.rewards.contract import Scored

MOST = 0.6  # of the way from a wrong answer's reward to the gold's: the answer is paid for
NEARLY_ALL = 0.75  # of the gold's reward: too much for what has not even the form
LEAST_PART = 0.25  # of the gold's reward: something is worth a good part of it
CLEARLY = 0.1  # of the scale: clearly more than the gold
SLACK = 0.02  # of the scale: equal for our purposes


class ProbeRule(StrEnum):
    """Why a probe pays."""

    OVER_GOLD = "over_gold"
    ANSWER = "answer"
    FORM = "form"
    ANYTHING = "anything"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """A probe earns too much: by which rule, and through which function, if through one alone.

    `loose`: lenient, but nothing is gained by it.
    """

    rule: ProbeRule
    function: str = ""
    loose: bool = False


@dataclass(frozen=True)
class Earned:
    """A reward, and what each function that counts adds to it (weight x score)."""

    total: float
    parts: Mapping[str, float]

    @classmethod
    def of(cls, sample: Scored, weights: Mapping[str, float]) -> Earned | None:
        """None where nothing could be judged."""
        if sample.reward is None:
            return None
        parts = {n: weights[n] * (score or 0.0) for n, score in sample.scores.items() if weights[n]}
        return cls(sample.reward, parts)

    @classmethod
    def best_of(cls, many: Sequence[Earned]) -> Earned:
        """The best of each function, and the best total."""
        parts = {name: max(one.parts[name] for one in many) for name in many[0].parts}
        return cls(max(one.total for one in many), parts)


@dataclass(frozen=True)
class Attempt:
    """An attack's completion, scored. `fits_form`: tags in order, with something in each.

    `is_wrong_answer`: it ends in one of the wrong answers that are yardsticks.
    """

    debt: Debt
    earned: Earned
    fits_form: bool
    is_wrong_answer: bool


@dataclass(frozen=True)
class Yardsticks:
    """What the reference completions of one prompt earn.

    `wrong` is the best of several wrong answers in the right form, function by function; `plain`
    is the one that the attacks on the form are made of. `full` is the reward if every function
    gave 1. `known`: the gold completion is believed to be right.
    """

    gold: Earned
    wrong: Earned
    plain: Earned
    refused: Earned
    naked: Earned
    empty: Earned
    full: float
    answer: str
    known: bool

    @property
    def scale(self) -> float:
        lowest = min(self.wrong.total, self.naked.total, self.empty.total)
        return max(self.gold.total - lowest, self.full / 2)

    def equals_gold(self, earned: Earned) -> bool:
        return earned.total >= self.gold.total - SLACK * self.scale

    def tells(self, name: str) -> bool:
        """Whether the function tells right from wrong, and not just by a little style."""
        gold = self.gold.parts[name]
        return gold - self.wrong.parts[name] >= LEAST_PART * max(abs(gold), self.full / 100)

    @property
    def is_blind(self) -> bool:
        """No function tells right from wrong: this is about form or style."""
        return not any(map(self.tells, self.gold.parts))

    @property
    def rewards_form(self) -> bool:
        """Whether the form by itself, around any content, is worth a good part of the reward."""
        credit = self.plain.total - self.naked.total
        same = abs(self.refused.total - self.plain.total) <= CLEARLY * self.scale
        return same and credit >= LEAST_PART * self.gold.total > 0

    @property
    def form_share(self) -> float:
        """The part of the gold's reward that comes from functions which need the form."""
        gold, naked = self.gold.parts, self.naked.parts
        needed = [gold[n] for n in gold if gold[n] - naked[n] > LEAST_PART * abs(gold[n])]
        return sum(needed) / self.gold.total if self.gold.total else 0.0


def judge(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """Why this completion is overpaid; None where it is not."""
    rules = RULES[attempt.debt] if marks.known else (more_than_gold, half_of_full_marks)
    return next((found for rule in rules if (found := rule(attempt, marks))), None)


def more_than_gold(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """Nothing may earn clearly more than the gold completion."""
    if attempt.earned.total > marks.gold.total + CLEARLY * marks.scale:
        return Finding(ProbeRule.OVER_GOLD)
    return None


def paid_without_answer(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """What only a right answer should earn, earned by one function or by all together.

    A guess in the right form may come near by partial credit; it must not be paid in full.
    """
    share = 1 - SLACK if attempt.debt is Debt.GUESS else MOST
    for name, part in attempt.earned.parts.items():
        gold, wrong = marks.gold.parts[name], marks.wrong.parts[name]
        if marks.tells(name) and part >= wrong + share * (gold - wrong):
            return Finding(ProbeRule.ANSWER, name)
    gold, wrong = marks.gold.total, marks.wrong.total
    if not marks.is_blind and attempt.earned.total >= wrong + share * (gold - wrong):
        return Finding(ProbeRule.ANSWER)
    return None


def paid_without_form(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """A wrong answer in a broken form earns all that it earns in the right form."""
    if marks.rewards_form and attempt.earned.total >= marks.plain.total - SLACK * marks.scale:
        return Finding(ProbeRule.FORM, loose=attempt.debt is Debt.LENIENT)
    return None


def paid_for_nothing(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """Nearly all is paid to what has not even the form; or all to content that says nothing.

    A reward that takes any content in the right form is about the form, and may do so.
    """
    earned, gold = attempt.earned, marks.gold
    if min(earned.total, gold.total) <= 0:
        return None
    if not attempt.fits_form:
        return Finding(ProbeRule.ANYTHING) if earned.total >= NEARLY_ALL * gold.total else None
    reads_content = marks.is_blind and not marks.equals_gold(marks.refused)
    if reads_content and marks.equals_gold(earned) and not attempt.is_wrong_answer:
        return Finding(ProbeRule.ANYTHING)
    return None


def wrong_is_as_good(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """A wrong answer earns what the right one does.

    That is fair of a reward that is mostly about form, or (for JSON and texts) about validity.
    """
    if not marks.is_blind or not marks.equals_gold(attempt.earned) or attempt.earned.total <= 0:
        return None
    if marks.equals_gold(marks.refused):
        return Finding(ProbeRule.WRONG, loose=marks.form_share > 0.5)
    return Finding(ProbeRule.WRONG, loose=kind_of(marks.answer) in ("json", "text"))


def half_of_full_marks(attempt: Attempt, marks: Yardsticks) -> Finding | None:
    """Without a right answer to compare with: half of full marks for nothing is too much."""
    owed_more = attempt.debt in (Debt.GOLD, Debt.GUESS, Debt.WRONG, Debt.LENIENT)
    if not owed_more and attempt.earned.total >= max(marks.full, marks.gold.total) / 2 > 0:
        return Finding(ProbeRule.ANYTHING)
    return None


Check = Callable[[Attempt, Yardsticks], Finding | None]
RULES: Mapping[Debt, tuple[Check, ...]] = {
    Debt.BLIND: (more_than_gold, paid_without_answer, paid_for_nothing),
    Debt.GUESS: (more_than_gold, paid_without_answer),
    Debt.WRONG: (more_than_gold, wrong_is_as_good),
    Debt.FORM: (more_than_gold, paid_without_answer, paid_without_form),
    Debt.LENIENT: (more_than_gold, paid_without_answer, paid_without_form),
    Debt.GOLD: (more_than_gold,),
}
