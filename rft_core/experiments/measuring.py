"""Measuring what trials left: an evaluation for each block and seed, found again by what it asked.

Nothing is remembered beside the evaluations that the store keeps: an experiment's findings are read
from those of its runs, and what has been measured is not measured again.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.evaluation.known import BASE
from rft_core.evaluation.records import list_past, read_values
from rft_core.evaluation.reranking import find_reranker
from rft_core.evaluation.results import BEST, VOTE, Values
from rft_core.evaluation.run_evaluation import OnModelProgress, plan_evaluation, run_evaluation
from rft_core.experiments.design import (
    BY_LENGTH,
    MAJORITY,
    RERANKED,
    TOP_1,
    Arm,
    Block,
    Experiment,
)
from rft_core.experiments.results import (
    ArmResult,
    BlockResult,
    Findings,
    find,
)
from rft_core.experiments.trials import TrialRun, list_trial_runs
from rft_core.store.run_reader import open_run, tokens_trained

LENGTH = "longest"  # what a reward model has to beat, as evaluations call it
MEASURES = {"pass@1": TOP_1, VOTE: MAJORITY, BEST: RERANKED}  # an evaluation's name for each


@dataclass(frozen=True)
class Heat:
    """The trials of one block and seed, measured together: of the base and each its values."""

    seed: int
    contenders: Sequence[TrialRun]
    about: str
    values: Sequence[Mapping[str, Values]]


def measure(
    runs_dir: Path, experiment: Experiment, on_progress: OnModelProgress | None = None
) -> Findings:
    """Evaluate every trial that has ended and has not been measured with its block and seed."""
    for _, _, runs in _list_heats(runs_dir, experiment):
        contenders, ranker = _split(runs)
        for name in [ranker, LENGTH] if ranker else [None]:
            if not contenders or _find_record(runs_dir, experiment, contenders, name):
                continue
            plan = plan_evaluation(
                runs_dir, [run.run_id for run in contenders], num_prompts=experiment.num_prompts
            )
            rerank = find_reranker(runs_dir, name) if name else None
            run_evaluation(plan, k=experiment.k, rerank=rerank, on_progress=on_progress)
    return read_findings(runs_dir, experiment)


def read_findings(runs_dir: Path, experiment: Experiment) -> Findings:
    """What has been measured so far. Samples nothing."""
    heats: dict[str, list[Heat]] = defaultdict(list)
    for seed, block, runs in _list_heats(runs_dir, experiment):
        contenders, ranker = _split(runs)
        if number := _find_record(runs_dir, experiment, contenders, ranker):
            about, values = read_values(runs_dir, number)
            by_measure = [*map(_by_measure, values)]
            if ranker and (control := _find_record(runs_dir, experiment, contenders, LENGTH)):
                for own, by_length in zip(
                    by_measure, read_values(runs_dir, control)[1], strict=True
                ):
                    own[BY_LENGTH] = by_length[BEST]
            heats[block.name].append(Heat(seed, contenders, about, by_measure))
    blocks = [_read_block(runs_dir, block, heats[block.name]) for block in experiment.blocks]
    return find(experiment, blocks)


def _list_heats(runs_dir: Path, experiment: Experiment) -> list[tuple[int, Block, list[TrialRun]]]:
    """Of each seed and block the trials that have ended well."""
    runs = list_trial_runs(runs_dir, experiment)
    return [
        (seed, block, [
            run for run in runs
            if (run.trial.seed, run.trial.block.name) == (seed, block.name) and run.is_finished
        ])
        for seed in experiment.seeds
        for block in experiment.blocks
    ]  # fmt: skip


def _split(runs: Sequence[TrialRun]) -> tuple[list[TrialRun], str | None]:
    """Those that answer, and the id of the one that ranks answers, if there is one."""
    ranker = next((run.run_id for run in runs if run.trial.arm.ranks), None)
    return [run for run in runs if not run.trial.arm.ranks], ranker


def _find_record(
    runs_dir: Path, experiment: Experiment, contenders: Sequence[TrialRun], ranker: str | None
) -> int | None:
    """The number of the newest evaluation of exactly these, as the experiment asks for it."""
    if not contenders:
        return None
    models = (BASE, *(run.run_id for run in contenders))
    block, how = contenders[0].trial.block, (experiment.k, experiment.num_prompts, ranker)
    wanted = (block.settings["task"], models, *how)
    for past in list_past(runs_dir):
        if (past.task, past.models, past.k, past.num_prompts, past.rerank) == wanted:
            return past.number
    return None


def _by_measure(values: Mapping[str, Values]) -> dict[str, Values]:
    return {MEASURES[name]: own for name, own in values.items()}


def _read_block(runs_dir: Path, block: Block, heats: Sequence[Heat]) -> BlockResult:
    arms = [arm for arm in block.arms if not arm.ranks]
    base = ArmResult(BASE, "Base", {heat.seed: heat.values[0] for heat in heats})
    about = heats[0].about if heats else ""
    return BlockResult(block, (base, *(_read_arm(runs_dir, arm, heats) for arm in arms)), about)


def _read_arm(runs_dir: Path, arm: Arm, heats: Sequence[Heat]) -> ArmResult:
    by_seed, seconds, tokens = {}, [], []
    for heat in heats:
        for run, values in zip(heat.contenders, heat.values[1:], strict=True):
            if run.trial.arm.name != arm.name or run.status is None:
                continue
            by_seed[heat.seed] = values
            seconds.append(run.status.duration)
            with open_run(runs_dir, run.run_id) as db:
                tokens.append(tokens_trained(db))
    means = {
        name: statistics.fmean(values)
        for name, values in (("seconds", seconds), ("tokens", tokens))
        if values
    }
    return ArmResult(arm.name, arm.title, by_seed, control_of=arm.control_of, **means)
