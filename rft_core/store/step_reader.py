"""Reading what a run sampled, a step at a time: for whoever scores completions again.

A step's generations are stored together, so that a step which was made again after a resume is
known by the id of its newest one. Scores and reasons are not read here: see `generations.py`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class StepKey:
    """One step of one split as it is stored now; `elapsed` and `tokens` as in `metrics_frame`."""

    split: str
    step: int
    generations: int
    last_generation: int
    elapsed: float
    tokens: int


@dataclass(frozen=True)
class StepCompletions:
    """The completions of one step, aligned by index; groups are consecutive and of one size."""

    prompt_ids: Sequence[int]
    completions: Sequence[str]
    num_tokens: Sequence[int]
    truncated: Sequence[bool]
    advantages: Sequence[float | None]
    group_size: int


def list_steps(db: Database) -> list[StepKey]:
    """All steps that hold generations, in the order in which they were recorded."""
    sql = (
        "SELECT g.split, g.step, count(*), max(g.id), coalesce(s.elapsed, 0), coalesce(s.tokens, 0)"
        " FROM generations g LEFT JOIN steps s ON s.step = g.step"
        " GROUP BY g.split, g.step ORDER BY max(g.id)"
    )
    return [StepKey(*row) for row in db.execute(sql)]


def read_step(db: Database, key: StepKey) -> StepCompletions:
    sql = (
        "SELECT prompt_id, completion, num_tokens, truncated, advantage, group_index "
        "FROM generations WHERE split = ? AND step = ? ORDER BY group_index, sample_index"
    )
    rows = db.execute(sql, [key.split, key.step]).fetchall()
    prompt_ids, completions, num_tokens, truncated, advantages, groups = zip(*rows, strict=True)
    return StepCompletions(
        prompt_ids, completions, num_tokens, tuple(map(bool, truncated)), advantages,
        group_size=groups.count(groups[0]),
    )  # fmt: skip


@dataclass(frozen=True)
class AskedPrompt:
    """What a completion answers: the row that graders look at, and the messages."""

    row: dict[str, Any]
    messages: list[dict[str, str]]


def read_prompts(db: Database) -> dict[int, AskedPrompt]:
    """Every prompt of the run by its id."""
    return {
        id: AskedPrompt(json.loads(row), json.loads(messages))
        for id, row, messages in db.execute("SELECT id, row, messages FROM prompts")
    }
