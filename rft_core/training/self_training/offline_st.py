"""Offline-ST: sample every prompt once, then learn what was right, from the base model again.

The policy that the stage began with (the one that SFT left) writes `num_generations` completions of
each training prompt; the paper's are 100, at temperature 1. The right ones, distinct and at most
`max_correct_per_prompt` of each prompt, join the gold completions where there are any, and a fresh
adapter learns them all as SFT does (Luong et al., ReFT, arXiv 2401.08967).

The completions are recorded with the stage's first step: what was sampled for it, scored as ever,
with an advantage of 1 where it is learned and of 0 where it is not. Until then they are kept in a
file, a portion at a time, so that a stage that was stopped while it sampled goes on there.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict

import numpy as np
from datasets import Dataset

from rft_core.errors import BadInputError
from rft_core.paths import get_rollouts_dir
from rft_core.rewards.sampled_batch import SampledBatch, join_batches
from rft_core.training.batch_records import find_reason_to_pause
from rft_core.training.recorded import StageParts
from rft_core.training.saving.adapter_files import copy_adapter, restore_adapter
from rft_core.training.saving.rollout_cache import RolloutCache, hash_facts
from rft_core.training.self_training.selection import select_completions
from rft_core.training.sft import Example, Examples, RecordedSFT, build_trainer
from rft_core.training.validating import evaluating, own_randomness


class RecordedOfflineST(RecordedSFT):
    """Offline-ST as part of a run."""

    _place = ""  # how far the sampling before the first step is

    def attach(self, parts: StageParts) -> None:
        self._fresh = copy_adapter(self.model)  # before the adapter of the stage before is loaded
        super().attach(parts)

    def prepare(self) -> None:
        """The rollouts, the examples made of them, and the base to learn them from."""
        rollouts = self._collect_rollouts()
        if rollouts is None:
            return
        batch = join_batches(rollouts)
        chosen = self._select(batch)
        examples = [*self._examples.list_gold(), *self._make_examples(batch, chosen)]
        self.train_dataset = Dataset.from_list(examples)
        restore_adapter(self.model, self._fresh)
        if self.step == self.recorder.step:  # else a checkpoint is gone on from
            learned = set(chosen)
            self.recorder.hold(batch, [float(i in learned) for i in range(len(batch.samples))])
            self._metrics["train"]["learned"].append(len(chosen))
            self._tell(batch, chosen, len(examples) - len(chosen))

    def _collect_rollouts(self) -> list[SampledBatch] | None:
        """All portions, from the file or sampled now; None where the run must stop before."""
        parts, prompts = self.parts, self.parts.prompts.train
        self._examples = Examples(parts)
        self.recorder.set_phase("sampling", f"{len(prompts)} prompts")
        cache = RolloutCache(get_rollouts_dir(parts.checkpoints_dir), self._name_rollouts())
        rollouts = cache.read()
        size = self._prompts_at_once
        for first in range(len(rollouts) * size, len(prompts), size):
            if parts.stop.is_set:
                return None
            self._place = f"prompt {first + 1} of {len(prompts)}"
            self.recorder.set_phase("sampling", self._place)
            portion = self._sample_portion(range(first, min(first + size, len(prompts))))
            if reason := find_reason_to_pause(portion):
                self.recorder.needs_attention = reason
                return None
            cache.add(portion)
            rollouts.append(portion)
        self._place = ""
        return rollouts

    def name_sampling(self, count: int) -> str:
        return self._place or super().name_sampling(count)

    @property
    def _prompts_at_once(self) -> int:
        """As many as fill a batch with their completions: it is scored in a batch's time."""
        return max(1, self.parts.config.generation_batch_size // self.parts.config.num_generations)

    def _sample_portion(self, positions: range) -> SampledBatch:
        """Seeded alike each time: a completion's index, counted through all, tells it apart."""
        each, prompts = self.parts.config.num_generations, self.parts.prompts.train
        asked = [position for position in positions for _ in range(each)]
        first = positions[0] * each
        with (
            self.recorder.clock.during("sample"),
            evaluating(self.model),
            own_randomness(self.args.seed),
        ):
            ids = self.sample("sampling", [prompts[at].token_ids for at in asked], first)
        with self.recorder.clock.during("score"):
            return self.recorder.score("train", asked, ids)

    def _name_rollouts(self) -> str:
        """By all that they depend on."""
        parts, config = self.parts, self.parts.config
        adapter = {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(parts.initial_adapter.glob("adapter_*"))
        } if parts.initial_adapter else {}  # fmt: skip
        with own_randomness(self.args.seed):
            params = self._draw_sampling()
        prompts = [[list(p.token_ids), dict(p.record.row)] for p in parts.prompts.train]
        return hash_facts(
            {
                "model": config.model, "dtype": config.dtype, "adapter": adapter,
                "prompts": prompts, "sampling": asdict(params), "each": config.num_generations,
                "at_once": self._prompts_at_once, "end": sorted(self.recorder.end_tokens),
                "rewards": self.recorder.rewards_id,
            }
        )  # fmt: skip

    def _select(self, batch: SampledBatch) -> list[int]:
        """Raises BadInputError where nothing was right: there is nothing of its own to learn."""
        config, gold = self.parts.config, self.parts.gold
        right = self.recorder.list_right(batch)
        if not any(right):
            raise _nothing_right(batch)
        is_random = config.selection == "random"
        return select_completions(
            batch,
            right,
            most=config.max_correct_per_prompt,
            at_random=np.random.default_rng(config.seed) if is_random else None,
            known={position: text for position, text in enumerate(gold) if text is not None},
        )

    def _make_examples(self, batch: SampledBatch, chosen: list[int]) -> list[Example]:
        return [
            self._examples.make(batch.positions[index], batch.completion_ids[index])
            for index in chosen
        ]

    def _tell(self, batch: SampledBatch, chosen: list[int], num_gold: int) -> None:
        asked, answered = set(batch.positions), {batch.positions[index] for index in chosen}
        kind = "random" if self.parts.config.selection == "random" else "right"
        self.recorder.tell(
            "self_training",
            f"Of {len(batch.samples)} sampled completions {len(chosen)} {kind} ones are learned, "
            f"of {len(answered)} of {len(asked)} prompts, beside {num_gold} gold completions, "
            "from the base model",
        )


def make_trainer(parts: StageParts) -> RecordedOfflineST:
    """A trainer ready for `prepare()` and `train()`.

    TRL looks at the first example when it is made, and there is none before the policy has sampled:
    what is put in its place is never learned.
    """
    ids = list(parts.prompts.train[0].token_ids)
    return build_trainer(
        RecordedOfflineST, parts, Dataset.from_list([{"input_ids": ids, "labels": ids}])
    )


def _nothing_right(batch: SampledBatch) -> BadInputError:
    rewards = [sample.reward for sample in batch.samples if sample.reward is not None]
    prompts, cut_off = len(set(batch.positions)), sum(batch.truncated)
    return BadInputError(
        f"None of the {len(batch.samples)} completions of {prompts} prompts is right",
        f"Their mean reward is {sum(rewards) / len(rewards):.3g}, and {cut_off} were cut off at "
        "max_completion_length. Self-training learns what the policy does right by itself",
        "Begin with stages=sft_offline_st where gold is known, sample more (num_generations), "
        "choose easier prompts, or look at what the rewards call right in a dry run",
    )
