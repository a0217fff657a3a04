"""Gathering what a run is diagnosed by: cheap, keyed reads of what it has stored, and its clock."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import psutil

from rft_core.config import get_method
from rft_core.diagnosis.doctor import GroupsSeen, PhaseUnderWay, RunEvidence
from rft_core.figures import Curves
from rft_core.paths import get_heartbeat_path, get_worker_lock_path
from rft_core.rewards.contract import RewardSet
from rft_core.store.generations import count_identical_groups, get_top_scores
from rft_core.store.phase_times import list_step_phases
from rft_core.store.run_reader import RunProgress, get_progress, list_attempts
from rft_core.store.runs import RunRow
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import is_locked
from rft_core.types import Problem

NEWEST = 3  # steps whose groups are looked at
STEPS_TIMED = 40
# What the worker writes of itself while it is in a phase: (progress.phase, how its detail begins).
PHASES_BY_WORDS: Mapping[tuple[str, str], str] = {
    ("training", "sampling"): "sample",
    ("training", "scoring"): "score",
    ("training", "reading the completions with the policy"): "old_logprobs",
    ("training", "reading the completions with the reference"): "reference_logprobs",
    ("training", "updating"): "update",
    ("validating", ""): "validate",
    ("saving", ""): "save",
}


def gather_evidence(
    db: Database,
    runs_dir: Path,
    run: RunRow,
    *,
    step: int,
    curves: Curves,
    rewards: RewardSet | None,
    flat: Problem | None,
) -> RunEvidence:
    """Of the stage that is under way at `step`. `rewards`: None where they are not stored here."""
    plan = [plan for plan in run.config.plan_stages() if plan.first_step <= step][-1]
    config, method = plan.config, get_method(plan.config.method)
    samples = method.samples_each_step
    has_groups = method.family == "rollouts"
    alive = is_locked(get_worker_lock_path(runs_dir, run.id))
    steps = list_step_phases(db, STEPS_TIMED, step)
    names = curves.functions
    return RunEvidence(
        curves,
        first_step=plan.first_step,
        max_steps=plan.first_step + config.max_steps,
        batch_size=config.generation_batch_size if samples else 0,
        group_size=config.num_generations if samples else 0,
        samples=has_groups,
        config=config,
        weights={entry.name: entry.weight for entry in rewards.entries} if rewards else {},
        tops=get_top_scores(db, names, newest=NEWEST, until=step) if has_groups else {},
        flat=flat,
        groups=_see_groups(db, step) if has_groups else None,
        under_way=_find_under_way(get_progress(db), steps) if alive else None,
        silent_for=_find_silence(runs_dir, run.id) if alive else None,
        step_phases=steps,
        memory_left=_find_memory_left(db) if alive else None,
    )


def _see_groups(db: Database, step: int) -> GroupsSeen | None:
    groups, identical = count_identical_groups(db, newest=NEWEST, until=step)
    return GroupsSeen(groups, identical) if groups else None


def _find_under_way(
    progress: RunProgress | None, steps: list[dict[str, float]]
) -> PhaseUnderWay | None:
    if progress is None:
        return None
    for (phase, words), name in PHASES_BY_WORDS.items():
        if progress.phase == phase and progress.detail.startswith(words):
            closed = tuple(step[name] for step in steps if step.get(name, 0.0) > 0)
            return PhaseUnderWay(name, max(0.0, time.time() - progress.updated_at), closed)
    return None


def _find_silence(runs_dir: Path, run_id: str) -> float | None:
    try:
        return max(0.0, time.time() - get_heartbeat_path(runs_dir, run_id).stat().st_mtime)
    except OSError:
        return None


def _find_memory_left(db: Database) -> float | None:
    """Of a worker on this machine: elsewhere this memory says nothing."""
    lives = list_attempts(db)
    if not lives or not psutil.pid_exists(lives[-1].pid):
        return None
    memory = psutil.virtual_memory()
    return float(memory.available / memory.total)
