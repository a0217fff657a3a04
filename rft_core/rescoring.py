"""Score all that a run has sampled with other rewards: the curve they would have given.

Nothing is sampled or trained: the completions are those that the run's own rewards led to. Each
step is one batch, exactly as training scored it, so that rewards which compare completions with
each other mean the same. Token ids are not stored: functions see as many as there were, but not
which. Loads no torch, unless the rewards ask a reward model.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from rft_core.config import RunConfig
from rft_core.errors import NotFoundError, RftError
from rft_core.paths import get_rescore_lock_path
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import Batch, FunctionReport, RewardSet, Scoring
from rft_core.rewards.sampled_batch import SampledBatch, summarise
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.reward_models import RewardModels
from rft_core.store.index import open_index
from rft_core.store.rescores import RescoredStep, RescoreWriter, Tally
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import get_run
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import FileLock
from rft_core.store.step_reader import (
    AskedPrompt,
    StepCompletions,
    StepKey,
    list_steps,
    read_prompts,
    read_step,
)

STORE_SECONDS = 0.5  # how much work may be lost, and how often the progress is told
NO_ADVANTAGE = 1e-6  # below this it is the rounding of equal rewards

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class RescoreResult:
    """`scored`: completions that had not been scored before; `problems`: why some were not."""

    generations: int
    scored: int
    seconds: float
    problems: tuple[str, ...]


def rescore(
    runs_dir: Path,
    run_id: str,
    rewards: RewardSet,
    *,
    on_progress: OnProgress = lambda done, total: None,
) -> RescoreResult:
    """Score what is not scored yet and store it; of a live run, all that is there by the end.

    Raises `NotFoundError` for a run that has nothing, `WorkerError` while another process does the
    same, and `RftError` where a whole training step cannot be scored. Interrupted, it keeps what it
    has.
    """
    with open_index(runs_dir) as index:
        config = get_run(index, run_id).config
    if not has_database(runs_dir, run_id):
        raise NotFoundError(
            f"Run '{run_id}' has sampled nothing yet", "", "Wait for its first step"
        )
    work = _StepsLeft(config, rewards, RewardModels(runs_dir, run_id, here=True), on_progress)
    lock = FileLock(get_rescore_lock_path(runs_dir, run_id, rewards.id))
    with closing(RescoreWriter(runs_dir, run_id, rewards.id)) as writer:
        lock.acquire()
        try:
            writer.begin(get_identity(os.getpid()))
            with open_run(runs_dir, run_id) as db:
                result = work.do(db, writer)
            writer.end("finished", "; ".join(result.problems))
        except RftError as error:
            writer.end("failed", str(error))
            raise
        except KeyboardInterrupt:
            writer.end("stopped")
            raise
        finally:
            lock.release()
    return result


@dataclass(frozen=True)
class _StepsLeft:
    """What is done with each step, whatever run it is of."""

    config: RunConfig
    rewards: RewardSet
    reward_models: RewardModels
    on_progress: OnProgress
    problems: dict[str, str] = field(default_factory=dict)  # of each function, the first

    def do(self, db: Database, writer: RescoreWriter) -> RescoreResult:
        started, scored = time.monotonic(), 0
        with Scorer(
            self.rewards,
            timeout=self.config.reward_timeout,
            open_reward_model=self.reward_models,
        ) as scorer:
            while todo := writer.keep_only(keys := list_steps(db)):
                total = _count_generations(keys)
                done = total - _count_generations(todo)
                writer.add_steps((), done=done, total=total)  # tells how much there is to do
                for steps in _in_portions(self._score_steps(scorer, db, todo)):
                    portion = _count_generations([step.key for step in steps])
                    done, scored = done + portion, scored + portion
                    writer.add_steps(steps, done=done, total=total)
                    self.on_progress(done, total)
        seconds, count = time.monotonic() - started, _count_generations(keys)
        return RescoreResult(count, scored, seconds, tuple(self.problems.values()))

    def _score_steps(
        self, scorer: Scorer, db: Database, todo: Sequence[StepKey]
    ) -> Iterator[RescoredStep]:
        prompts = read_prompts(db)
        for key in todo:
            step, reports = _score_step(scorer, key, read_step(db, key), prompts, self.config)
            for report in reports:
                if report.error:
                    self.problems.setdefault(report.name, report.error)
            yield step


def _in_portions(steps: Iterator[RescoredStep]) -> Iterator[list[RescoredStep]]:
    """As many at a time as are made in `STORE_SECONDS`."""
    portion: list[RescoredStep] = []
    started = time.monotonic()
    for step in steps:
        portion.append(step)
        if time.monotonic() - started > STORE_SECONDS:
            yield portion
            portion, started = [], time.monotonic()
    if portion:
        yield portion


def _count_generations(keys: Sequence[StepKey]) -> int:
    return sum(key.generations for key in keys)


def _score_step(
    scorer: Scorer,
    key: StepKey,
    step: StepCompletions,
    prompts: Mapping[int, AskedPrompt],
    config: RunConfig,
) -> tuple[RescoredStep, Sequence[FunctionReport]]:
    asked = [prompts[id] for id in step.prompt_ids]
    ids = [range(count) for count in step.num_tokens]
    rows = [prompt.row for prompt in asked]
    batch = Batch([prompt.messages for prompt in asked], step.completions, rows, ids)
    before = key.step - 1 if key.split == "train" else key.step
    scoring = _score(scorer, batch, before, config.max_steps)
    if key.split == "train" and all(sample.reward is None for sample in scoring.samples):
        raise _nothing_scored(key, scoring.reports)
    sampled = SampledBatch(
        (), step.completions, ids, step.truncated, scoring.samples, scoring.reports
    )
    metrics = summarise(sampled, scorer.reward_set.names, step.group_size)
    rewarded = {name: v for name, v in metrics.items() if not name.startswith("completions/")}
    tally = _count(scoring, step, config.scale_rewards)
    return RescoredStep(key, tally, rewarded), scoring.reports


def _score(scorer: Scorer, batch: Batch, global_step: int, max_steps: int) -> Scoring:
    """Once more where the sandbox failed; a step is never stored with a failure of ours."""
    for _ in range(2):
        scoring = scorer.score(batch, global_step=global_step, max_steps=max_steps)
        failed = [report for report in scoring.reports if report.unscored_by_us]
        if not failed:
            return scoring
    raise RftError(
        f"The sandbox failed while it ran '{failed[0].name}'",
        failed[0].error or "",
        "What is scored is kept: start it again to go on",
    )


def _count(scoring: Scoring, step: StepCompletions, scale_rewards: str) -> Tally:
    """What changes for whom; only training steps have advantages to compare with."""
    rewards = [sample.reward for sample in scoring.samples]
    plain = Tally(
        generations=len(rewards),
        unscored=sum(reward is None for reward in rewards),
        flagged=sum(bool(sample.flags) for sample in scoring.samples),
    )
    if any(advantage is None for advantage in step.advantages):
        return plain
    old = _signs([float(advantage or 0.0) for advantage in step.advantages], step.group_size)
    new = _signs(compute_advantages(rewards, step.group_size, scale_rewards), step.group_size)
    taught, teaches = old.any(axis=1), new.any(axis=1)
    return Tally(
        plain.generations, plain.unscored, plain.flagged,
        compared=len(rewards),
        encouraged=int(((old < 0) & (new > 0)).sum()),
        discouraged=int(((old > 0) & (new < 0)).sum()),
        groups=len(old),
        woken=int((~taught & teaches).sum()),
        silenced=int((taught & ~teaches).sum()),
    )  # fmt: skip


def _signs(advantages: Sequence[float], group_size: int) -> np.ndarray:
    """-1, 0 or 1, of shape (groups, group_size)."""
    values = np.array(advantages).reshape(-1, group_size)
    return np.where(np.abs(values) < NO_ADVANTAGE, 0, np.sign(values))


def _nothing_scored(key: StepKey, reports: Sequence[FunctionReport]) -> RftError:
    errors = "; ".join(f"{report.name}: {report.error}" for report in reports if report.error)
    return RftError(
        f"No completion of step {key.step} could be scored",
        errors or "every reward function returned None",
        "Try these rewards in a dry run on the Rewards page, and mend them there",
    )
