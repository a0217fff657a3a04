"""What an evaluation's results are made of: samples, measures with intervals, costs, differences.

Data only: `suite.py` computes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rft_core.statistics import PairedDifference
from rft_core.store.evaluations import JudgedSample

# "held-out" rows were never used; "validation" rows were looked at during training.
RowSource = Literal["held-out", "validation"]
Values = tuple[float | None, ...]  # of each prompt, 0 to 1; None where nobody could judge
PASS, VOTE, BEST = "pass@k", "maj@k", "best-of-k"


@dataclass(frozen=True)
class Contender:
    """A model to evaluate. The first one is the base that others are compared with."""

    label: str  # "base", a run's id, or RUN@STEP
    adapter: Path | None = None
    run: str | None = None  # None: the base
    step: int | None = None  # of its checkpoint; None: finished, or the base


class Judged(NamedTuple):
    """Of one completion: is it right (None: nobody can say), and the answer that it computed."""

    right: bool | None
    answer: str | None = None


@dataclass(frozen=True)
class Sampled:
    """What one contender wrote: of each row k judged samples.

    `seconds`: what sampling all of them took, None where nobody measured it. `scores`: of the
    groups' shape, by whatever is to pick the best of k.
    """

    label: str
    groups: Sequence[Sequence[JudgedSample]]
    seconds: float | None = None
    scores: Sequence[Sequence[float]] | None = None

    @property
    def verdicts(self) -> list[list[bool | None]]:
        return [[sample.verdict for sample in group] for group in self.groups]


@dataclass(frozen=True)
class Estimate:
    """A mean over prompts, with its 95% interval."""

    value: float
    ci: tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """What k samples of a prompt are worth, one way of using them.

    `values`: per prompt, of all k; None where it could not be judged. `curve`: in all, for 1 to k
    samples. `versus_random`: against pass@1 of the same samples, which is what picking one of the k
    at random is worth: the control of a vote and of a score.
    """

    name: str
    values: tuple[float | None, ...]
    curve: tuple[Estimate | None, ...]
    versus_random: PairedDifference | None = None

    @property
    def at_k(self) -> Estimate | None:
        return self.curve[-1]


@dataclass(frozen=True)
class Cost:
    """Of all samples together. `tokens`, `seconds`: None where they were not counted."""

    completions: int
    tokens: int | None
    seconds: float | None

    @property
    def tokens_each(self) -> float | None:
        return None if self.tokens is None else self.tokens / self.completions

    @property
    def seconds_per_thousand(self) -> float | None:
        return None if self.seconds is None else 1000 * self.seconds / self.completions


@dataclass(frozen=True)
class Evaluation:
    """One model's result. `votes`, `best`: None where there was nothing to choose from or by."""

    model: str
    task: str
    source: RowSource
    k: int  # samples per prompt
    shares: tuple[float | None, ...]  # right samples per prompt, in the order of the rows
    passes: Measure
    votes: Measure | None
    best: Measure | None
    agreement: Estimate | None  # share of samples that give the majority's answer
    unscored: int  # samples that could not be judged
    truncated: float  # share of samples cut off by the length limit
    cost: Cost
    versus_base: PairedDifference | None = None  # of pass@1

    @property
    def n(self) -> int:
        """Prompts that count: at least one sample was judged."""
        return sum(share is not None for share in self.shares)

    @property
    def first(self) -> Estimate:
        """pass@1: the mean share of right samples."""
        found = self.passes.curve[0]
        assert found is not None  # what nobody could judge is no evaluation
        return found

    @property
    def pass_at_1(self) -> float:
        return self.first.value

    @property
    def ci(self) -> tuple[float, float]:
        return self.first.ci

    @property
    def pass_at_k(self) -> float | None:
        """None: too few samples could be judged."""
        return self.passes.at_k.value if self.passes.at_k else None

    @property
    def majority(self) -> float | None:
        """None: not asked for, or no answer to vote on."""
        return self.votes.at_k.value if self.votes and self.votes.at_k else None

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(measure for measure in (self.passes, self.votes, self.best) if measure)

    def values_of(self, measure: str) -> tuple[float | None, ...] | None:
        """Per prompt: of "pass@1", or of a measure by its name; None where it has none."""
        if measure == "pass@1":
            return self.shares
        return next((m.values for m in self.measures if m.name == measure), None)

    def to_row(self) -> dict[str, Any]:
        """The command line's shape."""
        row: dict[str, Any] = {
            "model": self.model,
            "task": self.task,
            "rows": self.source,
            "n": self.n,
            "pass@1": self.pass_at_1,
            "ci": list(self.ci),
            "k": self.k,
            "pass@k": self.pass_at_k,
            "truncated": self.truncated,
            "unscored": self.unscored,
            "tokens": self.cost.tokens_each,
            "seconds": self.cost.seconds,
        }
        for measure in self.measures:
            if measure.at_k:
                row[measure.name] = measure.at_k.value
                row[f"{measure.name}_ci"] = list(measure.at_k.ci)
        if self.agreement is not None:
            row["agreement"] = self.agreement.value
        if self.versus_base is not None:
            row["difference"] = self.versus_base.difference
            row["difference_ci"] = list(self.versus_base.ci)
            row["p_value"] = self.versus_base.p_value
        return row


@dataclass(frozen=True)
class Comparison:
    """By how much `second` is better than `first`, on the same prompts, in one measure."""

    measure: str
    first: str
    second: str
    difference: PairedDifference
