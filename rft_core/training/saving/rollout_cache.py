"""Rollouts kept in a file: what a policy sampled before a stage, with how it was scored.

The file's name is a hash of all that they depend on, so that what is found in it is what would be
sampled again, and a stage that is resumed reads it. It is written a portion at a time: a worker
that ends in between loses one portion at most. A line that was not written to its end is dropped.

    rollouts/<hash>.jsonl     a line a portion: a `SampledBatch` as JSON
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rft_core.rewards.contract import FunctionReport, Scored
from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.store.sqlite.failures import make_disk_full_error, means_disk_full


def hash_facts(facts: Mapping[str, Any]) -> str:
    """The name of the rollouts that depend on these facts, which are as JSON has them."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


class RolloutCache:
    """The portions of one set of rollouts, in the order in which they were sampled."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / f"{name}.jsonl"

    def read(self) -> list[SampledBatch]:
        """All that is there. What a killed worker left of a line is removed from the file."""
        if not self.path.exists():
            return []
        whole, end = [], 0
        with self.path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                whole.append(_read_batch(json.loads(line)))
                end += len(line)
        os.truncate(self.path, end)
        return whole

    def add(self, batch: SampledBatch) -> None:
        """Raises `DiskFullError` where there is no room; what was there before is kept."""
        line = json.dumps(asdict(batch)) + "\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if means_disk_full(error, self.path.parent):
                raise make_disk_full_error(self.path) from error
            raise


def _read_batch(values: dict[str, Any]) -> SampledBatch:
    """As it was before it became JSON, down to its tuples."""
    return SampledBatch(
        tuple(values["positions"]),
        tuple(values["completions"]),
        values["completion_ids"],
        tuple(values["truncated"]),
        tuple(
            Scored(**{**sample, "flags": tuple(sample["flags"])}) for sample in values["samples"]
        ),
        tuple(
            FunctionReport(**{**report, "unscored_by_us": tuple(report["unscored_by_us"])})
            for report in values["reports"]
        ),
    )
