"""Base against tuned models on the same held-out rows, with intervals and paired differences.

Knows no service and no reward: how to sample and how to judge are handed in. All models get the
same prompts and, through the same sampling parameters, the same random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rft_core.errors import BadInputError
from rft_core.evaluation.metrics import is_majority_correct, mean, prompt_pass_at_k
from rft_core.statistics import (
    PairedDifference,
    mean_interval,
    paired_difference,
)
from rft_core.types import Completion, Messages, Row

# "held-out" rows were never used; "validation" rows were looked at during training.
RowSource = Literal["held-out", "validation"]
# (prompts, samples per prompt, adapter folder or None for the base) -> groups of completions
Sample = Callable[[Sequence[Messages], int, Path | None], list[list[Completion]]]
# (rows, groups of completions) -> verdicts of the same shape; None: could not be judged
Judge = Callable[[Sequence[Row], list[list[Completion]]], list[list[bool | None]]]
# (text of a completion) -> its answer, for majority voting
ExtractAnswer = Callable[[str], str | None]


@dataclass(frozen=True)
class Contender:
    """A model to evaluate. The first one is the base that others are compared with."""

    label: str  # "base" or a run's id
    adapter: Path | None = None
    step: int | None = None  # of its checkpoint; None: finished, or the base


@dataclass(frozen=True)
class Evaluation:
    """One model's result. The per-prompt shares are kept for plots and further comparisons."""

    model: str
    task: str
    source: RowSource
    k: int  # samples per prompt
    pass_at_1: float
    ci: tuple[float, float]
    pass_at_k: float | None  # None: too few samples could be judged
    majority: float | None  # None: not asked for
    unscored: int  # samples that could not be judged
    truncated: float  # share of samples cut off by the length limit
    shares: tuple[float | None, ...]  # right samples per prompt, in the order of the rows
    versus_base: PairedDifference | None = None

    @property
    def n(self) -> int:
        """Prompts that count: at least one sample was judged."""
        return sum(share is not None for share in self.shares)

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
        }
        if self.majority is not None:
            row["maj@k"] = self.majority
        if self.versus_base is not None:
            row["difference"] = self.versus_base.difference
            row["difference_ci"] = list(self.versus_base.ci)
            row["p_value"] = self.versus_base.p_value
        return row


def evaluate(
    task: str,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    contenders: Sequence[Contender],
    *,
    source: RowSource = "held-out",
    sample: Sample,
    judge: Judge,
    k: int = 1,
    extract_answer: ExtractAnswer | None = None,
    seed: int = 0,
) -> list[Evaluation]:
    """One result per contender, in order; `seed` is of the resampling, not of the sampling."""
    if not rows or len(rows) != len(prompts) or k < 1:
        raise BadInputError(
            "There is nothing to evaluate",
            f"{len(rows)} rows, {len(prompts)} prompts, {k} samples each",
            "Give at least one held-out row, and k of 1 or more",
        )
    results: list[Evaluation] = []
    for contender in contenders:
        groups = sample(prompts, k, contender.adapter)
        verdicts = judge(rows, groups)
        base = results[0] if results else None
        result = _summarize(
            contender.label,
            task,
            groups,
            verdicts,
            source=source,
            base=base,
            extract_answer=extract_answer,
            seed=seed,
        )
        results.append(result)
    return results


def compare(base: Evaluation, other: Evaluation, seed: int = 0) -> PairedDifference | None:
    """Over the prompts judged for both; None if there are none."""
    pairs = [
        (a, b)
        for a, b in zip(base.shares, other.shares, strict=True)
        if a is not None and b is not None
    ]
    return paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed) if pairs else None


def _summarize(
    label: str,
    task: str,
    groups: list[list[Completion]],
    verdicts: list[list[bool | None]],
    *,
    source: RowSource,
    base: Evaluation | None,
    extract_answer: ExtractAnswer | None,
    seed: int,
) -> Evaluation:
    k = len(groups[0])
    shares = tuple(mean([None if v is None else float(v) for v in group]) for group in verdicts)
    judged = [share for share in shares if share is not None]
    if not judged:
        raise BadInputError(
            f"Nothing could be judged for '{label}'",
            "The reward answered None for every completion",
            "Look at the reasons with a dry run",
        )
    samples = [completion for group in groups for completion in group]
    result = Evaluation(
        model=label,
        task=task,
        source=source,
        k=k,
        pass_at_1=sum(judged) / len(judged),
        ci=mean_interval(judged, seed),
        pass_at_k=mean([prompt_pass_at_k(group, k) for group in verdicts]),
        majority=_vote(groups, verdicts, extract_answer) if extract_answer else None,
        unscored=sum(verdict is None for group in verdicts for verdict in group),
        truncated=sum(completion.truncated for completion in samples) / len(samples),
        shares=shares,
    )
    return replace(result, versus_base=compare(base, result, seed)) if base else result


def _vote(
    groups: list[list[Completion]],
    verdicts: list[list[bool | None]],
    extract_answer: ExtractAnswer,
) -> float | None:
    votes = []
    for group, group_verdicts in zip(groups, verdicts, strict=True):
        answers = [extract_answer(completion.text) for completion in group]
        is_right = is_majority_correct(answers, group_verdicts)
        votes.append(None if is_right is None else float(is_right))
    return mean(votes)
