"""What a run's report tells, read from the store: the rendering next door reads nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from rft_core.config import changed_fields, to_yaml, write_setting, write_stages
from rft_core.diagnosis.finding import Finding
from rft_core.errors import NotFoundError
from rft_core.evaluation.records import MeasuredRun, find_measured
from rft_core.figures import Curves
from rft_core.rewards.contract import RewardSet
from rft_core.store.generations import (
    StoredGeneration,
    StoredPrompt,
    get_prompts,
    iterate_generations,
)
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_attempts, list_checkpoints, open_run
from rft_core.store.search import GenerationFilter
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.status import RunStatus

SHOWN_OF_EACH = 2  # best, and worst, of a step
LOOKED_THROUGH = 2_000  # completions of a step


@dataclass(frozen=True)
class ReportedStep:
    """Of one training step the completions that earned most and least, with their prompts."""

    step: int
    best: Sequence[StoredGeneration]
    worst: Sequence[StoredGeneration]
    prompts: Mapping[int, StoredPrompt]


@dataclass(frozen=True, eq=False)
class ReportContents:
    """`facts`: name and value, for the head. `settings`: those that differ from the defaults.

    `proofs`: the completions that findings name, by id. `written_on`: the machine and the versions
    that this report was written with.
    """

    status: RunStatus
    curves: Curves
    findings: tuple[Finding, ...]
    verdict: str
    facts: Mapping[str, str]
    settings: Mapping[str, str]
    config_yaml: str
    rewards: RewardSet | None
    steps: Sequence[ReportedStep]
    proofs: Mapping[int, StoredGeneration]
    measured: Sequence[MeasuredRun]
    written_on: Mapping[str, str]


def read_contents(
    runs_dir: Path,
    status: RunStatus,
    curves: Curves,
    findings: tuple[Finding, ...],
    *,
    verdict: str = "",
    written_on: Mapping[str, str],
) -> ReportContents:
    """Of a run that has a database. `verdict`: what its preflight said."""
    run = status.run
    with open_index(runs_dir) as index:
        rewards = _find_rewards(index, run.config.reward_set)
        prompts = _describe_prompts(index, run.config.prompt_set)
    with open_run(runs_dir, run.id) as db:
        steps = [_read_step(db, step) for step in _pick_steps(db)]
        wanted = {id for finding in findings for id in finding.generations}
        proofs = _read_generations(db, wanted)
        lives, checkpoints = list_attempts(db), list_checkpoints(db)
    facts = {
        "Run": run.id,
        "Task": run.config.task,
        "Model": run.config.model,
        "Method": " → ".join(run.config.method_titles),
        "Prompts": prompts,
        "Seed": str(run.config.seed),
        "Reward set": run.config.reward_set or "none",
        "Checkpoints": ", ".join(str(one.step) for one in checkpoints) or "none",
        "Attempts": str(len(lives)),
        "Code was locked in": f"tier {status.sandbox_tier}" if status.sandbox_tier else "not run",
    }
    if run.parent_run:
        facts["Forked from"] = f"{run.parent_run}, step {run.parent_step}"
    changed = changed_fields(run.config) | (
        {"stages": write_stages(run.config.stages)} if run.config.stages else {}
    )
    steps_at = {None, *(one.step for one in checkpoints)}
    return ReportContents(
        status, curves, findings, verdict, facts,
        {name: write_setting(value) for name, value in changed.items()}, to_yaml(run.config),
        rewards, steps, proofs, find_measured(runs_dir, run.id, steps_at), written_on,
    )  # fmt: skip


def _find_rewards(index: Database, id: str | None) -> RewardSet | None:
    try:
        return RewardSet.from_json(get_set(index, "rewards", id or "").content)
    except NotFoundError:
        return None


def _describe_prompts(index: Database, id: str | None) -> str:
    try:
        stored = get_set(index, "prompts", id or "")
    except NotFoundError:
        return id or "the task's own"
    return f"{stored.name or 'unnamed'} ({stored.id})"


def _pick_steps(db: Database) -> list[int]:
    """The first and the last training step at which anything was sampled."""
    sql = "SELECT min(step), max(step) FROM generations WHERE split = 'train'"
    first, last = db.execute(sql).fetchone()
    return [] if first is None else sorted({first, last})


def _read_step(db: Database, step: int) -> ReportedStep:
    at_step = GenerationFilter(step=step, split="train")
    found = [
        one
        for one in islice(iterate_generations(db, at_step), LOOKED_THROUGH)
        if one.reward is not None
    ]
    found.sort(key=lambda one: -(one.reward or 0.0))
    best = found[:SHOWN_OF_EACH]
    worst = [one for one in reversed(found) if one not in best][:SHOWN_OF_EACH]
    prompts = get_prompts(db, {one.prompt_id for one in (*best, *worst)})
    return ReportedStep(step, best, worst, prompts)


def _read_generations(db: Database, ids: set[int]) -> dict[int, StoredGeneration]:
    """Those that are still there: a resumed run may have forgotten some."""
    found: dict[int, StoredGeneration] = {}
    for id in sorted(ids):
        sql = "SELECT step, split FROM generations WHERE id = ?"
        place = db.execute(sql, [id]).fetchone()
        if place is None:
            continue
        at_step = GenerationFilter(step=place[0], split=place[1])
        found |= {one.id: one for one in iterate_generations(db, at_step) if one.id == id}
    return found
