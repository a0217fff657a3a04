"""From a scored batch to what is stored of it: metrics and generation records. Pure functions.

The metric names are TRL's, for training and validation alike; what a reward function measures
itself with `log_metric("n", 1.0)` is `rewards/<function>/n`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport, Scored
from rft_core.store.run_writer import GenerationRecord

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
