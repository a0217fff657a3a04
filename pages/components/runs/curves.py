"""A run's curves as chart panels, each look reading only new rows.

What a panel means is said here, once, for people who see these measures for the first time.
"""

from collections.abc import Sequence, Set
from dataclasses import replace

import numpy as np

from pages.components.charts.chart_message import Kind, Mark, Panel, Trace
from pages.components.shared_reads import shared_reads
from rft_core.config import RunConfig, get_method
from rft_core.config.methods import Method, MetricPanel
from rft_core.figures import Curve, Curves, add_stored_curves, extend_curves
from rft_core.paths import get_runs_dir
from rft_core.rewards.judge.report import MEANINGS
from rft_core.store.columns.curve_blocks import read_stored_curves
from rft_core.store.rescores import Rescore, open_rescores, rescored_frame
from rft_core.store.run_reader import (
    Checkpoint,
    has_database,
    list_attempts,
    list_checkpoints,
    metrics_frame,
    open_run,
)
from rft_core.store.sqlite.without_pandas import Database

RESCORED = "re-scored"
MOST_ROWS = 100_000  # of metrics that are read at once

OF_EVERY_FUNCTION = ("mean", "std", "unscored")  # what is recorded of it; the rest it measured


def read_curves(run_id: str, known: Curves | None = None) -> tuple[Curves, list[Checkpoint]]:
    """All curves so far; only rows that `known` has not are read."""
    if not has_database(get_runs_dir(), run_id):
        return Curves(), []
    with open_run(get_runs_dir(), run_id) as db:
        attempts = len(list_attempts(db))
        if known is None or known.attempts != attempts:
            known = Curves(attempts=attempts)  # a resumed run has forgotten its last steps
        return _read_new_curves(db, known), list_checkpoints(db)


def _read_new_curves(db: Database, known: Curves) -> Curves:
    """Whole arrays where the run has columns and nothing is known yet, then row by row; a long run
    without columns in portions, as its rows take twenty times the room of its curves."""
    curves = known
    if not curves.by_key:
        last_id, stored = read_stored_curves(db)
        arrays = {(c.split, c.name): (c.step, c.elapsed, c.tokens, c.value) for c in stored}
        curves = add_stored_curves(curves, arrays, last_id)
    while True:
        frame = metrics_frame(db, after_id=curves.last_id, limit=MOST_ROWS)
        if len(frame) < MOST_ROWS:
            return extend_curves(curves, frame)
        before_last = np.flatnonzero(frame["step"] != frame["step"].iloc[-1])
        # Cut between two steps: curves share the arrays of steps that they have in common.
        curves = extend_curves(curves, frame[: before_last[-1] + 1] if len(before_last) else frame)


def read_rescored(run_id: str, rescore: Rescore | None, revision: str) -> Curves | None:
    """The curves that other rewards would have given, as far as they are known."""
    if rescore is None:
        return None

    def read(known: Curves | None) -> Curves:
        if known is None or known.attempts != rescore.attempt:
            known = Curves(attempts=rescore.attempt)  # a new attempt may have forgotten steps
        with open_rescores(get_runs_dir(), run_id) as db:
            frame = rescored_frame(db, rescore.reward_set, after_id=known.last_id)
        return extend_curves(known, frame)

    key = ("rescored", get_runs_dir(), run_id, rescore.reward_set)
    return shared_reads().get(key, revision, read)


def reward_panels(
    curves: Curves, weights: dict[str, float], rescored: Curves | None = None
) -> list[Panel]:
    """A panel per reward function, the total, and the tricks. Weight 0 is only logged: it says so.

    What other rewards would have given is dashed, and their new functions have panels of their own.
    """
    panels = []
    own = curves.functions or list(weights)
    for name in own:
        logged_only = weights.get(name) == 0
        metric = f"rewards/{name}/mean"
        panels.append(
            Panel(
                f"{name} (only logged)" if logged_only else name,
                _traces(curves, metric, "truth" if logged_only else "train")
                + _rescored_traces(rescored, metric),
                f"Mean score of the reward function '{name}'."
                + (" Its weight is 0: it is measured, not trained on." if logged_only else ""),
            )
        )
    for name in rescored.functions if rescored else ():
        if name not in own:
            traces = _rescored_traces(rescored, f"rewards/{name}/mean")
            help = f"Mean score that '{name}' would have given. This run did not train on it."
            panels.append(Panel(name, traces, help))
    total = "Mean of the weighted sum of all reward functions: what training raises."
    tricks = (
        "Share of completions in which some reward function recognised a trick: it should fall to "
        "zero. Rising together with the reward, it says that the policy has learned to cheat."
    )
    for metric, title, help in (
        ("reward", "Total reward", total), ("flagged", "Flagged share", tricks)
    ):  # fmt: skip
        traces = _traces(curves, metric) + _rescored_traces(rescored, metric)
        panels.append(Panel(title, traces, help))
    return panels


def policy_panels(curves: Curves, methods: Sequence[Method]) -> list[Panel]:
    """What the run's methods say of the policy, beside its rewards."""
    return _draw(curves, [panel for method in methods for panel in method.policy_panels])


def optimisation_panels(curves: Curves, methods: Sequence[Method]) -> list[Panel]:
    return _draw(curves, [panel for method in methods for panel in method.optimisation_panels])


def _draw(curves: Curves, panels: Sequence[MetricPanel]) -> list[Panel]:
    """A panel per metric. Where methods differ in what one means, all their words stand in it."""
    titles: dict[str, str] = {}
    helps: dict[str, list[str]] = {}
    for panel in panels:
        titles.setdefault(panel.metric, panel.title)
        if panel.help not in helps.setdefault(panel.metric, []):
            helps[panel.metric].append(panel.help)
    return [
        Panel(title, _traces(curves, metric), " / ".join(helps[metric]))
        for metric, title in titles.items()
    ]


def measured_panels(curves: Curves, judges: Set[str] = frozenset()) -> list[Panel]:
    """What the reward functions measured beside their scores: a gap between tests, a cost.

    `judges`: those of which it is known what they measure.
    """
    panels = []
    for name in dict.fromkeys(name for _, name in curves.by_key):
        function, _, what = name.removeprefix("rewards/").rpartition("/")
        if function in curves.functions and what not in OF_EVERY_FUNCTION:
            help = f"What the reward function '{function}' measured itself, as '{what}'."
            if function in judges:
                help = MEANINGS.get(what, help)
            panels.append(
                Panel(f"{function}: {what.replace('_', ' ')}", _traces(curves, name), help)
            )
    return panels


def checkpoint_marks(checkpoints: list[Checkpoint]) -> list[Mark]:
    return [Mark(checkpoint.step, f"ckpt {checkpoint.step}") for checkpoint in checkpoints]


def stage_marks(config: RunConfig) -> list[Mark]:
    """Where one method ends and the next begins; nothing for a run of one stage."""
    return [
        Mark(plan.first_step, f"{get_method(plan.config.method).title} begins")
        for plan in config.plan_stages()
        if plan.first_step
    ]


def _traces(curves: Curves, name: str, kind: Kind = "train") -> list[Trace]:
    """Train and, where it was measured, validation. Always a train trace: it says 'waiting'."""
    train, validation = with_gaps(curves.get(name), curves), curves.get(name, "validation")
    traces = [_trace("train", train, kind)]
    if validation is not None:
        traces.append(_trace("validation", validation, "validation"))
    return traces


def with_gaps(curve: Curve | None, curves: Curves) -> Curve | None:
    """The same with NaN at the training steps where others were measured and this one was not.

    A curve that is measured at fewer than half of the steps, or never at two in a row (what PPO
    samples is used twice), is sparse on purpose: it stays whole.
    """
    steps = curves.longest_steps()
    if curve is None or len(curve.step) >= len(steps):
        return curve
    steps = steps[(steps >= curve.step[0]) & (steps <= curve.step[-1])]
    missing = np.setdiff1d(steps, curve.step, assume_unique=True)
    measured = np.isin(steps, curve.step)
    is_sparse = len(missing) > len(curve.step) or not (measured[1:] & measured[:-1]).any()
    if not len(missing) or is_sparse:
        return curve
    place = np.searchsorted(curve.step, missing)
    return Curve(
        np.insert(curve.step, place, missing),
        np.insert(curve.minutes, place, curve.minutes[place]),
        np.insert(curve.tokens, place, curve.tokens[place]),
        np.insert(curve.value, place, np.nan),
    )


def _rescored_traces(rescored: Curves | None, name: str) -> list[Trace]:
    kinds: tuple[tuple[str, Kind], ...] = (("train", "other"), ("validation", "validation"))
    found = [
        (f"{RESCORED} {split}" if split == "validation" else RESCORED, curve, kind)
        for split, kind in kinds
        if rescored and (curve := rescored.get(name, split)) is not None
    ]
    return [
        replace(_trace(title, curve, kind), color="violet", dashed=True)
        for title, curve, kind in found
    ]


def _trace(name: str, curve: Curve | None, kind: Kind) -> Trace:
    if curve is None:
        nothing = np.array([], dtype=np.float64)
        return Trace(name, {"step": nothing, "time": nothing, "tokens": nothing}, nothing, kind)
    axes = {"step": curve.step, "time": curve.minutes, "tokens": curve.tokens}
    return Trace(name, axes, curve.value, kind)
