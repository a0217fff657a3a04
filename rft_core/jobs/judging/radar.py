"""What the hack radar judges, read from a run: its reward, its truth, and who shows the parting."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rft_core.config import RunConfig, StagePlan
from rft_core.diagnosis.curve_windows import WINDOW
from rft_core.diagnosis.hack_radar import HeldOutTruth, Watched, find_parting
from rft_core.diagnosis.radar_report import (
    NO_TRUTH,
    RadarReading,
    Witness,
    choose_witnesses,
    report,
)
from rft_core.diagnosis.truth import Truth, choose_truth
from rft_core.errors import RftError
from rft_core.figures import Curve, Curves
from rft_core.rewards.contract import RewardSet
from rft_core.store.generations import count_validated, list_judged
from rft_core.store.index import open_index
from rft_core.store.reward_range import get_reward_bounds
from rft_core.store.run_reader import open_run
from rft_core.store.runs import RunRow
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database


def read_radar(
    runs_dir: Path, run: RunRow, stage: StagePlan[RunConfig] | None, curves: Curves
) -> RadarReading | None:
    """Of the stage under way; None where that learns from no reward, or nothing was sampled yet."""
    reward = curves.get("reward")
    if stage is None or reward is None or run.config.reward_set is None:
        return None
    try:
        with open_index(runs_dir) as index:
            content = get_set(index, "rewards", run.config.reward_set).content
    except RftError:  # not stored here: the run was brought from elsewhere
        return NO_TRUTH
    truth = find_truth(RewardSet.from_json(content), curves)
    if truth is None:
        return NO_TRUTH
    first = stage.first_step + stage.config.reward_model_observed_steps
    with open_run(runs_dir, run.id) as db:
        watched = watch(db, truth, curves, first_step=first)
        if watched is None:
            return None
        parting = find_parting(watched)
        seen = []
        if parting and parting.is_alarm:
            since = int(watched.steps[-WINDOW])
            name = truth.name if truth.source != "flags" else None
            seen = [Witness(*row) for row in list_judged(db, name, since=since)]
    return report(watched, parting, choose_witnesses(seen))


def find_truth(rewards: RewardSet, curves: Curves) -> Truth | None:
    flagged = curves.get("flagged")
    return choose_truth(
        rewards,
        has_validation=curves.get("reward", "validation") is not None,
        was_flagged=flagged is not None and bool((flagged.value > 0).any()),
    )


def watch(db: Database, truth: Truth, curves: Curves, *, first_step: int = 0) -> Watched | None:
    """The steps after `first_step`; None where the truth was not measured at any of them."""
    reward = curves.get("reward")
    measured = _find_curve(truth, curves)
    if reward is None or measured is None:
        return None
    lowest, highest = get_reward_bounds(db)
    size = highest - lowest or 1.0
    held_out = None
    if truth.source == "validation":
        held_out = _read_held_out(db, truth, curves, measured)
        steps = reward.step[(reward.step > first_step) & (reward.step > held_out.steps[0])]
        values = held_out.mean[np.searchsorted(held_out.steps, steps, side="right") - 1]
    else:
        steps = np.intersect1d(reward.step[reward.step > first_step], measured.step)
        values = measured.value[np.isin(measured.step, steps)]
        values = 1 - values if truth.source == "flags" else values / _size(measured)
    rewards = reward.value[np.isin(reward.step, steps)] / size
    known = np.isfinite(rewards) & np.isfinite(values)
    return Watched(truth, steps[known], rewards[known], values[known], size, held_out)


def _find_curve(truth: Truth, curves: Curves) -> Curve | None:
    if truth.source == "flags":
        return curves.get("flagged")
    split = "validation" if truth.source == "validation" else "train"
    curve = curves.get(f"rewards/{truth.name}/mean", split)
    return curve if curve is not None and len(curve.value) else None


def _size(curve: Curve) -> float:
    """Graders give 0 to 1 as a rule; where one gives more its means tell how much."""
    return max(1.0, float(np.nanmax(np.abs(curve.value))))


def _read_held_out(db: Database, truth: Truth, curves: Curves, measured: Curve) -> HeldOutTruth:
    """With the error of each mean, from the spread between the rows of a validation."""
    size, rows = _size(measured), max(1, count_validated(db, int(measured.step[-1])))
    spread = curves.get(f"rewards/{truth.name}/std", "validation")
    stds = np.zeros(len(measured.value))
    if spread is not None and len(spread.value) == len(stds):
        stds = spread.value / size
    return HeldOutTruth(measured.step, measured.value / size, stds**2 / rows)
