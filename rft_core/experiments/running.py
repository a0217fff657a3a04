"""Working through an experiment: its trials one after the other, as many at once as may train."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from rft_core.errors import RftError
from rft_core.experiments.design import Experiment, Trial
from rft_core.experiments.trials import (
    TrialRun,
    begin,
    find_run,
    find_source,
    list_trial_runs,
)
from rft_core.jobs.launcher import ensure_commands_are_served, stop
from rft_core.jobs.processes import read_max_runs
from rft_core.store.index import open_index

POLL_SECONDS = 0.5

OnTrials = Callable[[list[TrialRun]], None]
OnRefused = Callable[[Trial, RftError], None]


def run_trials(
    runs_dir: Path,
    experiment: Experiment,
    on_progress: OnTrials = lambda _: None,
    on_refused: OnRefused = lambda trial, error: None,
) -> list[TrialRun]:
    """Train all that has not been trained; how each ended.

    A trial that cannot begin, or fails, is left as it is, and the others go on; those that learn
    from it are left out. Interrupted, it asks the runs under way to save and stop: asked again, it
    goes on there.
    """
    waiting = [run.trial for run in list_trial_runs(runs_dir, experiment) if not run.is_finished]
    under_way: list[Trial] = []
    try:
        while waiting or under_way:
            ensure_commands_are_served(runs_dir)
            under_way = [trial for trial in under_way if _is_active(runs_dir, trial)]
            ready = [trial for trial in waiting if not waits_for(trial, [*waiting, *under_way])]
            for trial in ready[: read_max_runs() - len(under_way)]:
                waiting.remove(trial)
                try:
                    if _can_begin(runs_dir, trial):
                        begin(runs_dir, trial)
                        under_way.append(trial)
                except RftError as error:
                    on_refused(trial, error)
            on_progress(list_trial_runs(runs_dir, experiment))
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        for trial in under_way:
            stop(runs_dir, _find(runs_dir, trial).run_id)
        raise
    return list_trial_runs(runs_dir, experiment)


def waits_for(trial: Trial, others: list[Trial]) -> bool:
    """Whether the one whose completions it learns from has yet to end."""
    return any(
        (other.block, other.arm.name, other.seed) == (trial.block, trial.arm.pairs_from, trial.seed)
        for other in others
    )


def _can_begin(runs_dir: Path, trial: Trial) -> bool:
    if not trial.arm.pairs_from:
        return True
    return _find(runs_dir, find_source(trial)).is_finished


def _find(runs_dir: Path, trial: Trial) -> TrialRun:
    with open_index(runs_dir) as index:
        return find_run(index, runs_dir, trial)


def _is_active(runs_dir: Path, trial: Trial) -> bool:
    status = _find(runs_dir, trial).status
    return status is not None and status.is_active
