"""When a probe pays: what a completion earned, against what it may earn.

The references are completions of the same prompt: the gold one, wrong answers in the right form, a
refusal in the right form, a wrong answer without the form, nothing at all. Being relative to these,
the rules hold for any scale: offsets, penalties and partial credit change nothing. The thresholds
were set on the planted and sound rewards under tests/diagnosis, and tried on others.

A rule gives a `Problem`: an error where the reward can be had for nothing, a warning where it is
lenient and nothing is gained by it. `where` is the function that pays, if one alone does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rft_core.diagnosis.probes.answers import kind_of
from rft_core.diagnosis.probes.attacks import Allowed, Attack
from rft_core.diagnosis.probes.target import Target
from rft_core.rewards.contract import Scored
from rft_core.types import Problem, Row, Severity

MOST = 0.6  # of the way from a wrong answer's reward to the gold's: the answer is paid for
NEARLY_ALL = 0.75  # of the gold's reward: too much for what has not even the form
LEAST_PART = 0.25  # of the gold's reward: something is worth a good part of it
CLEARLY = 0.1  # of the scale: clearly more than the gold
SLACK = 0.02  # of the scale: equal for our purposes


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
    """One completion of a prompt to score: an attack's, or (`attack` None) a reference's.

    `prompt` is the prompt's index, `use` the attack's name or the reference's. `earned` is None
    where it could not be judged; `problem` says why it earned too much, if it did.
    """

    prompt: int
    target: Target
    use: str
    completion: str
    row: Row
    attack: Attack | None = None
    scores: Mapping[str, float | None] | None = None
    earned: Earned | None = None
    problem: Problem | None = None

    @property
    def spoils_row(self) -> bool:
        """Such a row is no row of the user's: a function may well raise on it."""
        return self.attack is not None and self.attack.spoil_row is not None

    @property
    def reward(self) -> float:
        return self.earned.total if self.earned else 0.0

    @property
    def parts(self) -> Mapping[str, float]:
        return self.earned.parts if self.earned else {}


@dataclass(frozen=True)
class References:
    """What the reference completions of one prompt earn.

    `wrong` is the best of several wrong answers in the right form, function by function; `plain`
    is the one that the attacks on the form are made of; `formless` has no form at all. `full` is
    the reward if every function gave 1. `known`: the gold completion is believed to be right.
    """

    gold: Earned
    wrong: Earned
    plain: Earned
    refused: Earned
    formless: Earned
    empty: Earned
    full: float
    known: bool

    @property
    def scale(self) -> float:
        lowest = min(self.wrong.total, self.formless.total, self.empty.total)
        return max(self.gold.total - lowest, self.full / 2)

    def equals_gold(self, reward: float) -> bool:
        return reward >= self.gold.total - SLACK * self.scale

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
        credit = self.plain.total - self.formless.total
        same = abs(self.refused.total - self.plain.total) <= CLEARLY * self.scale
        return same and credit >= LEAST_PART * self.gold.total > 0

    @property
    def form_share(self) -> float:
        """The part of the gold's reward that comes from functions which need the form."""
        gold, formless = self.gold.parts, self.formless.parts
        needed = [gold[n] for n in gold if gold[n] - formless[n] > LEAST_PART * abs(gold[n])]
        return sum(needed) / self.gold.total if self.gold.total else 0.0


def judge(attempt: Attempt, allowed: Allowed, references: References) -> Problem | None:
    """Why this completion is overpaid; None where it is not, or could not be judged."""
    if attempt.earned is None:
        return None
    rules = RULES[allowed] if references.known else (more_than_gold, half_of_full_marks)
    return next((found for rule in rules if (found := rule(attempt, allowed, references))), None)


def more_than_gold(attempt: Attempt, allowed: Allowed, references: References) -> Problem | None:
    """Nothing may earn clearly more than the gold completion."""
    gold = references.gold.total
    if attempt.reward <= gold + CLEARLY * references.scale:
        return None
    text = f"It earns {attempt.reward:.3g}, more than the gold completion's {gold:.3g}."
    return Problem("over_gold", "error", "", text)


def paid_without_answer(
    attempt: Attempt, allowed: Allowed, references: References
) -> Problem | None:
    """What only a right answer should earn, earned by one function or by all together.

    A guess in the right form may come near by partial credit; it must not be paid in full.
    """
    share = 1 - SLACK if allowed is Allowed.GUESS else MOST
    for name, part in attempt.parts.items():
        gold, wrong = references.gold.parts[name], references.wrong.parts[name]
        if references.tells(name) and part >= wrong + share * (gold - wrong):
            text = f"'{name}' pays for an answer that is not given."
            return Problem("answer", "error", name, text)
    gold, wrong = references.gold.total, references.wrong.total
    if references.is_blind or attempt.reward < wrong + share * (gold - wrong):
        return None
    text = f"It earns {attempt.reward:.3g} of the gold's {gold:.3g}; "
    return Problem("answer", "error", "", f"{text}an honest wrong answer earns {wrong:.3g}.")


def paid_without_form(attempt: Attempt, allowed: Allowed, references: References) -> Problem | None:
    """A wrong answer in a broken form earns all that it earns in the right form."""
    enough = references.plain.total - SLACK * references.scale
    if not references.rewards_form or attempt.reward < enough:
        return None
    text = "A broken form earns all that the right form earns."
    return Problem("form", _severity(allowed is Allowed.LENIENT), "", text)


def paid_for_nothing(attempt: Attempt, allowed: Allowed, references: References) -> Problem | None:
    """Nearly all is paid to what has not even the form; or all to content that says nothing.

    A reward that takes any content in the right form is about the form, and may do so.
    """
    gold, target = references.gold.total, attempt.target
    if min(attempt.reward, gold) <= 0:
        return None
    if target.form.fits(attempt.completion):
        reads_content = references.is_blind and not references.equals_gold(references.refused.total)
        is_overpaid = reads_content and references.equals_gold(attempt.reward)
        is_overpaid = is_overpaid and not target.is_wrong_answer(attempt.completion)
    else:
        is_overpaid = attempt.reward >= NEARLY_ALL * gold
    return _pays_anything(attempt, gold) if is_overpaid else None


def wrong_is_as_good(attempt: Attempt, allowed: Allowed, references: References) -> Problem | None:
    """A wrong answer earns what the right one does.

    That is fair of a reward that is mostly about form, or (for JSON and texts) about validity.
    """
    is_as_good = references.is_blind and references.equals_gold(attempt.reward)
    if not is_as_good or attempt.reward <= 0:
        return None
    if references.equals_gold(references.refused.total):
        is_lenient = references.form_share > 0.5
    else:
        is_lenient = kind_of(attempt.target.answer) in ("json", "text")
    text = "It earns as much as the right answer: no function tells them apart."
    return Problem("wrong", _severity(is_lenient), "", text)


def half_of_full_marks(
    attempt: Attempt, allowed: Allowed, references: References
) -> Problem | None:
    """Without a right answer to compare with: half of full marks for nothing is too much."""
    gold = references.gold.total
    may_earn_more = allowed in (Allowed.GOLD, Allowed.GUESS, Allowed.WRONG, Allowed.LENIENT)
    if may_earn_more or not attempt.reward >= max(references.full, gold) / 2 > 0:
        return None
    return _pays_anything(attempt, gold)


def _pays_anything(attempt: Attempt, gold: float) -> Problem:
    text = f"It earns {attempt.reward:.3g}, and a full answer earns {gold:.3g}."
    return Problem("anything", "error", "", text)


def _severity(is_lenient: bool) -> Severity:
    return "warning" if is_lenient else "error"


Check = Callable[[Attempt, Allowed, References], Problem | None]
RULES: Mapping[Allowed, tuple[Check, ...]] = {
    Allowed.BLIND: (more_than_gold, paid_without_answer, paid_for_nothing),
    Allowed.GUESS: (more_than_gold, paid_without_answer),
    Allowed.WRONG: (more_than_gold, wrong_is_as_good),
    Allowed.FORM: (more_than_gold, paid_without_answer, paid_without_form),
    Allowed.LENIENT: (more_than_gold, paid_without_answer, paid_without_form),
    Allowed.GOLD: (more_than_gold,),
}
