"""What is to be said of a run as it stands, for the page and the command line alike.

Reads the evidence and asks the rules in `diagnosis`, which read nothing. Only where a reward is
flat are its prompts and rewards looked at: for the ways out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from rft_core.config import RunConfig, StagePlan, get_method
from rft_core.data import PromptSet
from rft_core.diagnosis.doctor import RunEvidence, diagnose
from rft_core.diagnosis.finding import Finding
from rft_core.diagnosis.flat_reward import find_flat_reward
from rft_core.diagnosis.preflight.report import Preflight, read_preflight
from rft_core.diagnosis.radar_report import HACKING, RadarReading
from rft_core.diagnosis.ways_out import FlatRun, KnownGold, WayOut, list_ways_out
from rft_core.errors import RftError
from rft_core.figures import Curves
from rft_core.jobs.judging.radar import read_radar
from rft_core.jobs.judging.run_evidence import gather_evidence
from rft_core.jobs.judging.shown_by import with_generations
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.preflights import StoredPreflight, get_preflight
from rft_core.store.reward_range import RewardRange, get_reward_range
from rft_core.store.run_reader import open_run
from rft_core.store.runs import RunRow
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.tasks import TASKS
from rft_core.tasks.gold import GOLD_COLUMNS, list_gold
from rft_core.types import Problem, Row

ROWS_LOOKED_AT = 1_000
CUT_OFF, ZERO_VARIANCE = "completions/clipped_ratio", "frac_reward_zero_std"


@dataclass(frozen=True)
class JudgedPreflight:
    """What was tried before step 1, and the verdict on it.

    `is_refuted`: it said that nothing could be learned, and since then something could.
    """

    stored: StoredPreflight
    verdict: Preflight
    is_refuted: bool = False

    @property
    def tried(self) -> str:
        stored = self.stored
        return f"{stored.prompts} prompts x {stored.num_generations} completions before step 1"

    @property
    def sentence(self) -> str:
        """The verdict, unless the steps since have shown that the few completions misled."""
        if self.is_refuted:
            return "No two completions of a group could be told apart then; since step 1 some can."
        return self.verdict.verdict


@dataclass(frozen=True)
class RunJudgement:
    """`findings`: worst first, empty for a healthy run. `ways_out`: of a flat reward. `radar`: what
    watches for cheats, or why nothing can; None where there is no reward to watch.
    """

    preflight: JudgedPreflight | None = None
    findings: tuple[Finding, ...] = ()
    ways_out: tuple[WayOut, ...] = ()
    radar: RadarReading | None = field(default=None, compare=False)  # of a healthy run as well


def judge_run(runs_dir: Path, run: RunRow, step: int, curves: Curves) -> RunJudgement:
    """`step`: how far the run is; `curves`: all that it has measured. Its database must exist."""
    stage = find_rewarded_stage(run.config, step)
    if stage is not None:
        curves = _without_observed(curves, stage)
    rewards = _find_rewards(runs_dir, run.config)
    with open_run(runs_dir, run.id) as db:
        stored = get_preflight(db)
        seen, flat = _find_flat(db, stage, curves, stored)
        evidence = gather_evidence(
            db, runs_dir, run, step=step, curves=curves, rewards=rewards, flat=flat
        )
        findings = [with_generations(db, finding) for finding in diagnose(evidence)]
    verdict = read_preflight(stored.report) if stored else None
    radar = read_radar(runs_dir, run, stage, curves)
    if radar and radar.finding:  # surer than what flags alone say
        others = [finding for finding in findings if finding.kind != HACKING]
        findings = [radar.finding, *others]
    preflight = None
    if stored and verdict:
        said_flat = any(warning.kind == "no_variance" for warning in verdict.warnings)
        preflight = JudgedPreflight(stored, verdict, said_flat and _has_gradient(curves))
    cut_off = max(_find_cut_off(curves), verdict.truncated if verdict else 0.0)
    ways = _find_ways(runs_dir, run.config, cut_off, seen) if flat else ()
    return RunJudgement(preflight, tuple(findings), ways, radar)


def gather_at(runs_dir: Path, run: RunRow, step: int, curves: Curves) -> RunEvidence:
    """What was known of a run after that step, given its curves until then. For looking back."""
    stage = find_rewarded_stage(run.config, step)
    if stage is not None:
        curves = _without_observed(curves, stage)
    with open_run(runs_dir, run.id) as db:
        _, flat = _find_flat(db, stage, curves, get_preflight(db), until=step)
        return gather_evidence(
            db, runs_dir, run, step=step, curves=curves, flat=flat,
            rewards=_find_rewards(runs_dir, run.config),
        )  # fmt: skip


def _find_flat(
    db: Database,
    stage: StagePlan[RunConfig] | None,
    curves: Curves,
    stored: StoredPreflight | None,
    until: int | None = None,
) -> tuple[RewardRange, Problem | None]:
    """What a stage that learns from rewards has earned, where it may be flat; and whether it is."""
    seen = RewardRange()
    begin = _find_first_paid(stage) if stage else 0
    may_be_flat = stage is not None and _may_be_flat(curves, begin)
    if may_be_flat:
        seen = get_reward_range(db, first_step=begin, until=until)
    if stored and stage and begin == 0 and stored.lowest is not None:
        seen = seen.joined(RewardRange(stored.scored, stored.lowest, stored.highest or 0.0))
    if stage is None or not may_be_flat:
        return seen, None
    return seen, find_flat_reward(seen, stage.config.num_generations)


def find_rewarded_stage(config: RunConfig, step: int) -> StagePlan[RunConfig] | None:
    """The stage that is under way, where it learns from what its completions earn."""
    plans = [plan for plan in config.plan_stages() if plan.first_step <= step]
    *_, plan = plans
    return plan if get_method(plan.config.method).family == "rollouts" else None


def _find_first_paid(stage: StagePlan[RunConfig]) -> int:
    """The step after which its rewards drive; before it a reward model is only looked at."""
    return stage.first_step + stage.config.reward_model_observed_steps


def _without_observed(curves: Curves, stage: StagePlan[RunConfig]) -> Curves:
    """Without what the steps earned in which a reward model is only looked at: perhaps nothing."""
    first_step, last = stage.first_step, _find_first_paid(stage)
    kept = dict(curves.by_key)
    for name in ("reward", ZERO_VARIANCE):
        if (curve := curves.get(name)) is not None:
            del kept["train", name]
            paid = (curve.step <= first_step) | (curve.step > last)
            if paid.any():
                kept["train", name] = curve.keep(paid)
    return replace(curves, by_key=kept)


def _may_be_flat(curves: Curves, first_step: int) -> bool:
    """Cheap, and enough for every run that learns: something has differed since that step."""
    variance = curves.get(ZERO_VARIANCE)
    if variance is not None and (variance.value[variance.step > first_step] < 1).any():
        return False
    rewards = [
        curve.value[curve.step > first_step if split == "train" else curve.step >= first_step]
        for split in ("train", "validation")
        if (curve := curves.get("reward", split)) is not None
    ]
    measured = np.concatenate(rewards) if rewards else np.array([])
    return not measured.size or bool(np.allclose(measured, measured[0], rtol=1e-9, atol=1e-12))


def _has_gradient(curves: Curves) -> bool:
    """Whether a step has had a group whose rewards differ."""
    variance = curves.get(ZERO_VARIANCE)
    return variance is not None and bool((variance.value < 1).any())


def _find_cut_off(curves: Curves) -> float:
    """Of the newest step, or of the validation before there is one."""
    for split in ("train", "validation"):
        if (curve := curves.get(CUT_OFF, split)) is not None:
            return float(curve.value[-1])
    return 0.0


def _find_ways(
    runs_dir: Path, config: RunConfig, cut_off: float, seen: RewardRange
) -> tuple[WayOut, ...]:
    if config.prompt_set is None or config.reward_set is None:
        return ()
    try:
        prompts, rewards = _read_sets(runs_dir, config.prompt_set, config.reward_set)
    except RftError:  # not stored here: the run was brought from elsewhere
        return ()
    task = prompts.task or config.task
    gold = find_known_gold(prompts.train_rows[:ROWS_LOOKED_AT], task, config.gold_column)
    run = FlatRun(config, prompts, rewards, gold, cut_off, earns=seen.highest > 0)
    return tuple(list_ways_out(run))


def _find_rewards(runs_dir: Path, config: RunConfig) -> RewardSet | None:
    """None where the run has none, or was brought from elsewhere without them."""
    if config.prompt_set is None or config.reward_set is None:
        return None
    try:
        return _read_sets(runs_dir, config.prompt_set, config.reward_set)[1]
    except RftError:
        return None


@lru_cache(maxsize=4)
def _read_sets(runs_dir: Path, prompt_set: str, reward_set: str) -> tuple[PromptSet, RewardSet]:
    """Stored sets never change: a page that looks every second reads them once."""
    with open_index(runs_dir) as index:
        prompts = PromptSet.from_json(get_set(index, "prompts", prompt_set).content)
        return prompts, RewardSet.from_json(get_set(index, "rewards", reward_set).content)


def find_known_gold(
    rows: Sequence[Row], task: str | None, column: str | None = None
) -> KnownGold | None:
    """The right answers that SFT could imitate, as it would find them; None where there are none.

    Of a task of one's own a column with a usual name is taken; a built-in task knows its own.
    """
    names: list[str | None] = [column or None]
    if not column and task not in TASKS:
        names += GOLD_COLUMNS
    for name in names:
        if name is not None and not all(name in row for row in rows):
            continue
        texts = list_gold(rows, task=task, column=name, required=False)
        known = [(row, text) for row, text in zip(rows, texts, strict=True) if text]
        if known:
            row, completion = min(known, key=lambda pair: len(pair[1]))
            return KnownGold(name, len(known), row, completion)
    return None
