"""Trials as runs: how a trial is known, begun, gone on with, and how far it is."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig, changed_fields, make_config
from rft_core.data.graded_pairs import PairChoice
from rft_core.evaluation.known import identify_model
from rft_core.evaluation.run_pairs import make_run_pairs
from rft_core.experiments.design import Experiment, Trial
from rft_core.jobs.launcher import launch, resume
from rft_core.jobs.pinning import store_pair_set
from rft_core.store.commands import find_command
from rft_core.store.index import open_index
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.status import RunStatus, get_run_status
from rft_core.tasks import get_task

# An arm's prompts are few: many pairs of each, or its reward model has nothing to learn from.
PAIRS = PairChoice(max_per_prompt=12)


@dataclass(frozen=True)
class TrialRun:
    """A trial and its run. `status` None: it has not been launched, or was deleted."""

    trial: Trial
    status: RunStatus | None

    @property
    def run_id(self) -> str:
        return self.status.run.id if self.status else ""

    @property
    def state(self) -> str:
        return self.status.state if self.status else "planned"

    @property
    def is_finished(self) -> bool:
        return self.state == "finished"


def list_trial_runs(runs_dir: Path, experiment: Experiment) -> list[TrialRun]:
    """How far everything is."""
    with open_index(runs_dir) as index:
        return [find_run(index, runs_dir, trial) for trial in experiment.list_trials()]


def find_run(index: Database, runs_dir: Path, trial: Trial) -> TrialRun:
    command = find_command(index, name_command(trial))
    return TrialRun(trial, get_run_status(index, runs_dir, command.run) if command else None)


def name_command(trial: Trial) -> str:
    """The id under which the trial's run is asked for: a hash of all that decides what it does.

    The base model's files are a part of it: an embedded one may have been trained anew under its
    old name. The run's name decides nothing, nor do settings that came later and have their
    defaults. Where an arm learns from another one's completions, that one's trial stands for them.
    """
    config = make_config({**trial.settings, "name": ""})
    decisive = [changed_fields(config), identify_model(config.model)]
    text = json.dumps(decisive, sort_keys=True) + trial.arm.pairs_from
    if trial.arm.pairs_from:
        text += f"{PAIRS} {name_command(find_source(trial))}"
    return f"trial-{hashlib.sha256(text.encode()).hexdigest()[:24]}"


def find_source(trial: Trial) -> Trial:
    """The trial whose completions this one's pairs are made of: the same block, the same seed."""
    arm = trial.block.get_arm(trial.arm.pairs_from)
    settings = {**trial.block.settings, **arm.settings, "seed": trial.seed}
    return Trial(trial.block, arm, trial.seed, settings)


def begin(runs_dir: Path, trial: Trial) -> str:
    """Launch it, or go on where it ended early; the run's id."""
    run_id = launch(runs_dir, make_run_config(runs_dir, trial), command_id=name_command(trial))
    with open_index(runs_dir) as index:
        is_resumable = get_run_status(index, runs_dir, run_id).is_resumable
    if is_resumable:
        resume(runs_dir, run_id)
    return run_id


def make_run_config(runs_dir: Path, trial: Trial) -> RunConfig:
    """With its pairs, where it learns from those: right against wrong completions of a group.

    Raises `BadInputError` where the groups of its source teach nothing.
    """
    if not trial.arm.pairs_from:
        return make_config(trial.settings)
    with open_index(runs_dir) as index:
        source = find_run(index, runs_dir, find_source(trial))
    (truth,) = get_task(trial.settings["task"]).reward_set.truth
    pairs, _ = make_run_pairs(runs_dir, source.run_id, PAIRS, function=truth)
    with open_index(runs_dir) as index:
        return make_config({**trial.settings, "pair_set": store_pair_set(index, pairs)})
