"""A `DryRunData` from plain numbers: what a dry run would hand to the preflight."""

from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.config import RunConfig
from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.rewards.contract import (
    Batch,
    FunctionReport,
    RewardEntry,
    RewardSet,
    Scored,
    Scoring,
)

Column = Sequence[float | None]


def make_tried(
    columns: Mapping[str, Column] | Column,
    size: int,
    *,
    entries: Sequence[RewardEntry] | None = None,
    texts: Sequence[str] | None = None,
    lengths: Sequence[int] = (),
    truncated: Sequence[bool] = (),
    report: Mapping[str, Any] | None = None,
    seconds: float = 0.0,
    sampling_seconds: float | None = None,
    update_seconds: float | None = None,
    **settings: Any,
) -> DryRunData:
    """Groups of `size`. A plain column is that of one function `f` written in Python.

    The reward is the sum of the columns; `settings` go to the run's configuration.
    """
    named = columns if isinstance(columns, Mapping) else {"f": columns}
    entries = entries or [RewardEntry(name, "python", source="...") for name in named]
    count = len(next(iter(named.values())))
    samples = []
    for index in range(count):
        scores = {name: column[index] for name, column in named.items()}
        known = [score for score in scores.values() if score is not None]
        samples.append(Scored(scores, sum(known) if known else None, dict.fromkeys(scores, "")))
    return DryRunData(
        RunConfig(**settings),
        RewardSet(tuple(entries)),
        Batch(
            prompts=[[{"role": "user", "content": str(i // size)}] for i in range(count)],
            completions=texts or [f"text {index}" for index in range(count)],
            rows=[{"n": index // size} for index in range(count)],
            completion_ids=[[0] * length for length in lengths],
        ),
        Scoring(
            tuple(samples),
            tuple(FunctionReport(name, seconds, **(report or {})) for name in named),
        ),
        group_size=size,
        truncated=truncated or [False] * count,
        sampling_seconds=sampling_seconds,
        update_seconds=update_seconds,
    )
