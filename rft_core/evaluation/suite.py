"""What contenders are worth on the same rows: intervals, curves over k, paired differences.

Knows no service and no reward: samples come in with their verdicts. The unit is the prompt: what is
measured has one value per prompt, and models are compared prompt by prompt.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from rft_core.errors import BadInputError
from rft_core.evaluation.metrics import (
    agreement,
    best_of_curve,
    is_majority_correct,
    majority_curve,
    pass_curve,
)
from rft_core.evaluation.results import (
    BEST,
    PASS,
    VOTE,
    Comparison,
    Cost,
    Estimate,
    Evaluation,
    Measure,
    RowSource,
    Sampled,
    Values,
)
from rft_core.statistics import PairedDifference, mean_interval, mean_intervals, paired_difference
from rft_core.store.evaluations import JudgedSample

# A sample -> its answer, spelled so that equal answers are equal; None: it has none
ExtractAnswer = Callable[[JudgedSample], str | None]


def evaluate(
    task: str,
    contenders: Sequence[Sampled],
    *,
    source: RowSource = "held-out",
    extract_answer: ExtractAnswer | None = None,
    seed: int = 0,
) -> list[Evaluation]:
    """One result per contender, in order, the first being the base. `seed`: of the resampling.

    Raises `BadInputError` where a contender has no sample, or none that could be judged.
    """
    results: list[Evaluation] = []
    for sampled in contenders:
        result = _summarize(task, source, sampled, extract_answer, seed)
        if results:
            result = replace(result, versus_base=compare(results[0], result, seed=seed))
        results.append(result)
    return results


def list_values(sampled: Sampled, extract_answer: ExtractAnswer | None = None) -> dict[str, Values]:
    """Of each prompt what `evaluate` says of it by pass@1, a vote and a score, where there are
    several samples to choose from: the values alone, without the curves and intervals that take
    a second for each contender.
    """
    verdicts = sampled.verdicts
    values = {"pass@1": tuple(_share(group) for group in verdicts)}
    answers = _read_answers(sampled, extract_answer)
    if _has_vote(answers):
        both = zip(answers, verdicts, strict=True)
        found = (is_majority_correct(own, judged) for own, judged in both)
        values[VOTE] = tuple(None if right is None else float(right) for right in found)
    if sampled.scores is not None and len(verdicts[0]) > 1:
        ranked = zip(sampled.scores, verdicts, strict=True)
        best = (float(best_of_curve(scores, judged)[-1]) for scores, judged in ranked)
        values[BEST] = tuple(None if math.isnan(value) else value for value in best)
    return values


def compare(
    first: Evaluation, second: Evaluation, measure: str = "pass@1", seed: int = 0
) -> PairedDifference | None:
    """Over the prompts judged for both; None if there are none, or one has no such measure."""
    return _pair(first.values_of(measure) or (), second.values_of(measure) or (), seed)


def compare_all(evaluations: Sequence[Evaluation], seed: int = 0) -> Iterator[Comparison]:
    """Every pair of contenders, in every measure that both have."""
    for first, second in combinations(evaluations, 2):
        for measure in ("pass@1", VOTE, BEST, PASS):
            if measure == PASS and first.k == 1:
                continue
            if found := compare(first, second, measure, seed):
                yield Comparison(measure, first.model, second.model, found)


def _pair(
    first: Sequence[float | None], second: Sequence[float | None], seed: int
) -> PairedDifference | None:
    both = zip(first, second, strict=False)
    pairs = [(a, b) for a, b in both if a is not None and b is not None]
    return paired_difference([a for a, _ in pairs], [b for _, b in pairs], seed) if pairs else None


def _summarize(
    task: str, source: RowSource, sampled: Sampled, extract: ExtractAnswer | None, seed: int
) -> Evaluation:
    verdicts = sampled.verdicts
    if not verdicts or not verdicts[0]:
        raise BadInputError(
            "There is nothing to evaluate",
            f"'{sampled.label}' has no sample",
            "Give at least one held-out row, and k of 1 or more",
        )
    shares = tuple(_share(group) for group in verdicts)
    if all(share is None for share in shares):
        raise BadInputError(
            f"Nothing could be judged for '{sampled.label}'",
            "The reward answered None for every completion",
            "Look at the reasons with a dry run",
        )
    passes = _measure(PASS, [pass_curve(group) for group in verdicts], seed)
    answers = _read_answers(sampled, extract)
    samples = [sample for group in sampled.groups for sample in group]
    return Evaluation(
        model=sampled.label,
        task=task,
        source=source,
        k=len(verdicts[0]),
        shares=shares,
        passes=passes,
        votes=_vote(answers, verdicts, shares, seed),
        best=_pick_best(sampled.scores, verdicts, shares, seed),
        agreement=_agree(answers, seed),
        unscored=sum(verdict is None for group in verdicts for verdict in group),
        truncated=sum(sample.truncated for sample in samples) / len(samples),
        cost=_count_cost(samples, sampled.seconds),
    )


def _share(verdicts: Sequence[bool | None]) -> float | None:
    judged = [verdict for verdict in verdicts if verdict is not None]
    return sum(judged) / len(judged) if judged else None


def _read_answers(sampled: Sampled, extract: ExtractAnswer | None) -> list[list[str | None]]:
    return [[extract(s) if extract else None for s in group] for group in sampled.groups]


def _has_vote(answers: Sequence[Sequence[str | None]]) -> bool:
    return len(answers[0]) > 1 and any(answer for group in answers for answer in group)


def _vote(
    answers: Sequence[Sequence[str | None]],
    verdicts: Sequence[Sequence[bool | None]],
    shares: Sequence[float | None],
    seed: int,
) -> Measure | None:
    """None where no sample states an answer, or each stands alone: there is nothing to count."""
    if not _has_vote(answers):
        return None
    rng = np.random.default_rng(seed)
    pairs = zip(answers, verdicts, strict=True)
    measure = _measure(VOTE, [majority_curve(own, judged, rng) for own, judged in pairs], seed)
    return replace(measure, versus_random=_pair(shares, measure.values, seed))


def _pick_best(
    scores: Sequence[Sequence[float]] | None,
    verdicts: Sequence[Sequence[bool | None]],
    shares: Sequence[float | None],
    seed: int,
) -> Measure | None:
    if scores is None or len(verdicts[0]) == 1:
        return None
    pairs = zip(scores, verdicts, strict=True)
    measure = _measure(BEST, [best_of_curve(own, judged) for own, judged in pairs], seed)
    return replace(measure, versus_random=_pair(shares, measure.values, seed))


def _agree(answers: Sequence[Sequence[str | None]], seed: int) -> Estimate | None:
    found = [share for group in answers if (share := agreement(group)) is not None]
    if len(answers[0]) == 1:
        return None
    return Estimate(math.fsum(found) / len(found), mean_interval(found, seed)) if found else None


def _measure(name: str, curves: Sequence[NDArray[np.float64]], seed: int) -> Measure:
    """The prompts' curves as one measure; where no prompt has a value, the curve has none."""
    table = np.stack(curves)
    known = np.asarray(~np.isnan(table).all(axis=0))
    intervals = iter(mean_intervals(table[:, known], seed) if known.any() else [])
    curve = [
        Estimate(float(np.nanmean(table[:, at])), next(intervals)) if there else None
        for at, there in enumerate(known)
    ]
    values = [None if math.isnan(value) else float(value) for value in table[:, -1]]
    return Measure(name, tuple(values), tuple(curve))


def _count_cost(samples: Sequence[JudgedSample], seconds: float | None) -> Cost:
    counts = [sample.num_tokens for sample in samples if sample.num_tokens is not None]
    tokens = sum(counts) if len(counts) == len(samples) else None
    return Cost(len(samples), tokens, seconds)
