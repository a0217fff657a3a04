"""From a scored batch to what is stored of it, and whether training may go on. Pure functions.

The metric names are TRL's, for training and validation alike; what a reward function measures
itself with `log_metric("n", 1.0)` is `rewards/<function>/n`. Unscored completions are never zeros:
they are left out of what is learned. But a step without any score teaches nothing, and a sandbox
that fails is not to be trained over for hours: then the run pauses, and the step is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np

from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport, Scored
from rft_core.store.run_writer import GenerationRecord

MOST_LOGGED_METRICS = 20  # of one function: each is a row per step
MOST_DEAD_SERVERS = 3  # of the sandbox's, in a row
MOST_INFRA_ERRORS = 0.01  # share of a step's completions that the sandbox may fail on
SHOWN = 5


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


def list_generations(
    batch: SampledBatch, advantages: Sequence[float] | None, num_generations: int
) -> list[GenerationRecord]:
    """One record per completion, in sampling order. Only training has advantages."""
    return [
        GenerationRecord(
            group_index=index // num_generations,
            sample_index=index % num_generations,
            prompt_position=batch.positions[index],
            completion=batch.completions[index],
            num_tokens=len(batch.completion_ids[index]),
            truncated=batch.truncated[index],
            reward=sample.reward,
            advantage=advantages[index] if advantages else None,
            scores=sample.scores,
            reasons=sample.reasons,
            flags=sample.flags,
        )
        for index, sample in enumerate(batch.samples)
    ]


def find_reason_to_pause(batch: SampledBatch) -> str:
    """Why the run needs attention after this batch; empty if it can go on."""
    return _explain_infra_errors(batch) or _explain_unscored(batch)


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
        infra_samples=tuple(
            start + index
            for start, report in zip(starts, reports, strict=True)
            for index in report.infra_samples
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


def _explain_infra_errors(batch: SampledBatch) -> str:
    failed = sorted({index for report in batch.reports for index in report.infra_samples})
    count = len(batch.samples)
    in_a_row = max((report.dead_servers for report in batch.reports), default=0)
    if len(failed) <= MOST_INFRA_ERRORS * count and in_a_row < MOST_DEAD_SERVERS:
        return ""
    named = ", ".join(str(index) for index in failed[:SHOWN])
    more = f" and {len(failed) - SHOWN} more" if len(failed) > SHOWN else ""
    name = next(report.name for report in batch.reports if report.infra_samples)
    return (
        f"The sandbox failed on {len(failed)} of {count} completions (samples {named}{more}; "
        f"{name}: {batch.samples[failed[0]].reasons[name]}); {in_a_row} of its servers died in a "
        "row. These completions are unscored, not zero. Look at the log and at "
        "`python -m rft_core sandbox`, then resume"
    )


def _explain_unscored(batch: SampledBatch) -> str:
    if not batch.samples or any(sample.reward is not None for sample in batch.samples):
        return ""
    errors = [f"{report.name}: {report.error}" for report in batch.reports if report.error]
    cause = "; ".join(errors) or "every reward function returned None"
    return f"No completion of a whole step could be scored ({cause}). Mend the rewards, then resume"


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
