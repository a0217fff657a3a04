"""The preflight of a run: a few groups, sampled and judged by its worker before the first step.

The verdict is a dry run's. The worker makes it because it has the model in memory, so that a launch
waits for nothing and no other process loads it: in a long run it costs a part of one step. Only of
runs whose first stage learns from rewards: another one's first policy is not the one rewarded.
Training does not depend on it: its random numbers are its own. Nothing of it is trained on.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace

from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.diagnosis.preflight.examples import pick_examples
from rft_core.diagnosis.preflight.report import write_preflight
from rft_core.diagnosis.preflight.size import choose_size, has_preflight
from rft_core.dry_run import judge
from rft_core.rewards.contract import Batch, Scoring
from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.store.preflights import StoredPreflight
from rft_core.training.recorded import Recorded
from rft_core.training.validating import evaluating, own_randomness

PHASE = "preflight"


def is_wanted(trainer: Recorded) -> bool:
    """Whether this stage's first policy is judged: it is the run's first, and rewards teach it."""
    plan = trainer.parts.plan
    return plan.first_step == 0 and has_preflight(plan.config)


def run_preflight(trainer: Recorded) -> None:
    """Sample, score, judge, record. A stop interrupts it: there is nothing to lose yet."""
    recorder = trainer.recorder
    with recorder.clock.during(PHASE):
        began = time.monotonic()
        batch, sampling_seconds = _try_prompts(trainer)
        data = _as_dry_run(trainer, batch, sampling_seconds)
        verdict = judge(data)
        rewards = [sample.reward for sample in batch.samples if sample.reward is not None]
        recorder.record_preflight(
            StoredPreflight(
                prompts=data.num_groups,
                num_generations=data.group_size,
                seconds=time.monotonic() - began,
                scored=len(rewards),
                lowest=min(rewards, default=None),
                highest=max(rewards, default=None),
                report=write_preflight(replace(verdict, examples=pick_examples(data))),
            )
        )
    recorder.tell(PHASE, verdict.verdict)
    recorder.set_phase("training")


def _try_prompts(trainer: Recorded) -> tuple[SampledBatch, float]:
    """Groups of prompts drawn by chance, scored; and the seconds that sampling took."""
    prompts, config = trainer.parts.prompts.train, trainer.parts.config
    count, group = choose_size(config, len(prompts))
    drawn = sorted(random.Random(config.seed).sample(range(len(prompts)), count))
    positions = [position for position in drawn for _ in range(group)]
    trainer.recorder.set_phase(PHASE, f"sampling {len(positions)} completions")
    began = time.monotonic()
    with evaluating(trainer.model), own_randomness(config.seed):
        ids = trainer.sample(PHASE, [prompts[at].token_ids for at in positions])
    seconds = time.monotonic() - began
    trainer.recorder.set_phase(PHASE, f"scoring {len(positions)} completions")
    return trainer.recorder.score("train", positions, ids), seconds


def _as_dry_run(trainer: Recorded, batch: SampledBatch, sampling_seconds: float) -> DryRunData:
    prompts, config = trainer.parts.prompts.train, trainer.parts.config
    rewards = trainer.recorder.rewards
    assert rewards is not None, "this run has no rewards"
    records = [prompts[position].record for position in batch.positions]
    return DryRunData(
        config,
        rewards,
        Batch(
            [record.messages for record in records],
            batch.completions,
            [record.row for record in records],
            batch.completion_ids,
        ),
        Scoring(tuple(batch.samples), tuple(batch.reports)),
        group_size=choose_size(config, len(prompts))[1],
        truncated=batch.truncated,
        sampling_seconds=sampling_seconds,
    )
