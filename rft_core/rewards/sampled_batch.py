"""A scored batch of completions, its portions joined, and its metrics. Pure functions.

The metric names are TRL's, for training and validation alike; what a reward function measures
itself with `log_metric("n", 1.0)` is `rewards/<function>/n`. Unscored completions are never zeros:
they are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport, Scored

MOST_LOGGED_METRICS = 20  # of one function: each is a row per step


@dataclass(frozen=True)
class SampledBatch:
    """Completions with their scores, aligned by index. Groups are consecutive.

    `positions` are the prompts' indices within their split.
    """

    positions: Sequence[int]
    completions: Sequence[str]
    completion_ids: Sequence[Sequence[int]]
    truncated: Sequence[bool]
    samples: Sequence[Scored]
    reports: Sequence[FunctionReport]


def join_batches(batches: Sequence[SampledBatch]) -> SampledBatch:
    """Portions of one batch, scored apart or by different processes, as if they were one."""
    if len(batches) == 1:
        return batches[0]

    def chained(parts: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
        return tuple(chain.from_iterable(parts))

    return SampledBatch(
        chained(b.positions for b in batches),
        chained(b.completions for b in batches),
        chained(b.completion_ids for b in batches),
        chained(b.truncated for b in batches),
        chained(b.samples for b in batches),
        tuple(_join_reports(batches, at) for at in range(len(batches[0].reports))),
    )


def summarise(batch: SampledBatch, names: Sequence[str], num_generations: int) -> dict[str, float]:
    """The batch's metrics. What nothing could be measured of is left out."""
    rewards = [sample.reward for sample in batch.samples]
    metrics = {
        **_mean_and_std(rewards, "reward", "reward_std"),
        "completions/mean_length": float(np.mean([len(ids) for ids in batch.completion_ids])),
        "completions/clipped_ratio": float(np.mean(batch.truncated)),
        "flagged": float(np.mean([bool(sample.flags) for sample in batch.samples])),
    }
    if num_generations > 1:
        metrics["frac_reward_zero_std"] = zero_variance_share(rewards, num_generations)
    metrics |= _logged_metrics(batch.reports)
    for name in names:
        scores = [sample.scores[name] for sample in batch.samples]
        metrics |= _mean_and_std(scores, f"rewards/{name}/mean", f"rewards/{name}/std")
        metrics[f"rewards/{name}/unscored"] = float(np.mean([score is None for score in scores]))
    return metrics


def _join_reports(batches: Sequence[SampledBatch], at: int) -> FunctionReport:
    """One function's reports on all portions: indices count through, measures are averaged."""
    reports = [batch.reports[at] for batch in batches]
    sizes = [len(batch.samples) for batch in batches]
    starts = np.cumsum([0, *sizes[:-1]]).tolist()
    first_error = next((at for at, report in enumerate(reports) if report.error), 0)
    failed = reports[first_error]
    sample = failed.error_sample
    return replace(
        failed,
        seconds=sum(report.seconds for report in reports),
        stdout="".join(report.stdout for report in reports),
        error_sample=None if sample is None else starts[first_error] + sample,
        extras={},  # reasons and flags are in the samples already
        metrics=_average_metrics(reports, sizes),
        unscored_by_us=tuple(
            start + index
            for start, report in zip(starts, reports, strict=True)
            for index in report.unscored_by_us
        ),
        dead_servers=max(report.dead_servers for report in reports),
    )


def _average_metrics(reports: Sequence[FunctionReport], sizes: Sequence[int]) -> dict[str, float]:
    names = dict.fromkeys(name for report in reports for name in report.metrics)
    return {
        name: float(
            np.average(
                [report.metrics[name] for report in reports if name in report.metrics],
                weights=[
                    size
                    for report, size in zip(reports, sizes, strict=True)
                    if name in report.metrics
                ],
            )
        )
        for name in names
    }


def _logged_metrics(reports: Sequence[FunctionReport]) -> dict[str, float]:
    """What the functions gave to `log_metric`. Our own names, which come later, win."""
    return {
        f"rewards/{report.name}/{name.replace('/', '_')}": value
        for report in reports
        for name, value in list(report.metrics.items())[:MOST_LOGGED_METRICS]
    }


def _mean_and_std(
    values: Sequence[float | None], mean_name: str, std_name: str
) -> dict[str, float]:
    scored = np.array([value for value in values if value is not None])
    if not scored.size:
        return {}
    std = float(scored.std(ddof=1)) if scored.size > 1 else 0.0
    return {mean_name: float(scored.mean()), std_name: std}
