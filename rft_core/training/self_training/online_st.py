"""Online-ST: in every step sample, and learn what was right beside the gold of the same prompts.

    loss = (1 - gold_share) x NLL(fresh right completions) + gold_share x NLL(gold completions)

each the mean over its own tokens of the whole step, gradient accumulation included. With a share of
one half this is the released code of ReFT (Luong et al., arXiv 2401.08967); with 0 it is what the
paper's prose says, "only the right ones". Where nothing was right the gold part alone is left, at
its own weight; where there is no gold either, the step learns nothing and says so: the weights and
the optimizer stay as they were.

A step is as in GRPO: prompts in groups, sampled from the policy as it is now, scored and recorded,
with an advantage of 1 where a completion is learned and of 0 where it is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.training.prompt_order import PromptOrder
from rft_core.training.recorded import StageParts
from rft_core.training.rollouts import make_position_dataset
from rft_core.training.self_training.selection import select_completions
from rft_core.training.sft import NO_LABEL, Example, Examples, RecordedSFT, build_trainer

FRESH, GOLD = "fresh", "gold"


class RecordedOnlineST(RecordedSFT):
    """Online-ST as part of a run. `_portions`: what each forward pass of the step learns."""

    _portions: Iterator[dict[str, torch.Tensor] | None]
    _num_tokens: dict[str, int]  # labels of the step's fresh and gold examples

    def attach(self, parts: StageParts) -> None:
        super().attach(parts)
        self.model_accepts_loss_kwargs = True  # the loss is over the whole step already
        self._examples = Examples(parts)
        self._pad = DataCollatorForLanguageModeling(pad_token_id=find_pad_token(parts.tokenizer))
        self._weights = {FRESH: 1 - parts.config.gold_share, GOLD: parts.config.gold_share}
        self._has_told = False

    def _get_train_sampler(self, dataset: Any = None) -> PromptOrder:
        config = self.parts.config
        return PromptOrder(
            len(self.train_dataset),
            prompts_per_batch=config.generation_batch_size // config.num_generations,
            num_generations=config.num_generations,
            uses=1,
            num_batches=config.max_steps,
            seed=config.seed,
        )

    def get_batch_samples(self, *args: Any, **kwargs: Any) -> tuple[list[Any], int]:
        """The prompts of a step. They are sampled when its first forward pass asks for examples."""
        batches, _ = super().get_batch_samples(*args, **kwargs)
        positions = [int(at) for batch in batches for at in batch["position"]]
        self._portions = self._sample_portions(positions, len(batches))
        return batches, len(positions)

    def _sample_portions(
        self, positions: Sequence[int], count: int
    ) -> Iterator[dict[str, torch.Tensor] | None]:
        """The step's examples in `count` portions; None for one that is empty."""
        batch = self._sample_batch(positions)
        chosen = self._select(batch)
        learned = set(chosen)
        self.recorder.hold(batch, [float(i in learned) for i in range(len(positions))])
        self.recorder.set_phase("training", "updating the adapter")
        self._metrics["train"]["learned"].append(len(chosen))
        examples = [*self._list_fresh(batch, chosen), *self._list_gold(positions)]
        self._num_tokens = {
            kind: sum(_count_labels(example) for of, example in examples if of == kind)
            for kind in (FRESH, GOLD)
        }
        if not examples:
            self._tell_nothing_learned()
        for start in range(count):
            yield self._collate(examples[start::count])

    def _sample_batch(self, positions: Sequence[int]) -> SampledBatch:
        prompts = self.parts.prompts.train
        self.recorder.set_phase("training", f"sampling {len(positions)} completions")
        with self.recorder.clock.during("sample"):
            ids = self.sample("training", [prompts[at].token_ids for at in positions])
        self.recorder.set_phase("training", f"scoring {len(ids)} completions")
        with self.recorder.clock.during("score"):
            return self.recorder.score("train", positions, ids)

    def _select(self, batch: SampledBatch) -> list[int]:
        """The control is seeded by the step: a resume draws as the run without a stop."""
        config = self.parts.config
        is_random = config.selection == "random"
        return select_completions(
            batch,
            self.recorder.list_right(batch),
            most=config.max_correct_per_prompt,
            at_random=np.random.default_rng([config.seed, self.step + 1]) if is_random else None,
        )

    def _list_fresh(
        self, batch: SampledBatch, chosen: Sequence[int]
    ) -> Iterator[tuple[str, Example]]:
        for index in chosen if self._weights[FRESH] else ():
            example = self._examples.make(batch.positions[index], batch.completion_ids[index])
            yield FRESH, example

    def _list_gold(self, positions: Sequence[int]) -> Iterator[tuple[str, Example]]:
        for position in dict.fromkeys(positions) if self._weights[GOLD] else ():
            if example := self._examples.find_gold(position):
                yield GOLD, example

    def _collate(self, examples: Sequence[tuple[str, Example]]) -> dict[str, torch.Tensor] | None:
        if not examples:
            return None
        padded: dict[str, torch.Tensor] = self._pad([example for _, example in examples])
        return {**padded, "is_gold": torch.tensor([kind == GOLD for kind, _ in examples])}

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Without examples no gradient is made, and an optimizer leaves alone what has none."""
        model.train()
        portion = next(self._portions)
        if portion is None:
            return torch.zeros((), device=self.args.device)
        return super().training_step(model, portion, *args, **kwargs)

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        """Each kind's share of its mean over the step: TRL divides by the tokens it is told of."""
        loss = torch.zeros((), device=self.args.device)
        is_gold = inputs["is_gold"]
        for kind, rows in ((FRESH, ~is_gold), (GOLD, is_gold)):
            if rows.any():
                some = {name: inputs[name][rows] for name in inputs if name != "is_gold"}
                count = self._num_tokens[kind]
                mean = super().compute_loss(model, some, num_items_in_batch=count)  # type: ignore[no-untyped-call]
                loss = loss + self._weights[kind] * mean
        return loss

    def log(self, logs: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        """A step that learned nothing has no loss: its curve has a gap, not a zero."""
        if "loss" in logs and not any(self._num_tokens.values()):
            logs["loss"] = None
        super().log(logs, *args, **kwargs)

    def _tell_nothing_learned(self) -> None:
        """Once: how often it happens is seen in the metric `learned`."""
        if not self._has_told:
            self._has_told = True
            self.recorder.tell(
                "nothing_learned",
                f"Step {self.step + 1} learned nothing: none of its completions is right and no "
                "gold is learned of its prompts. Such steps change nothing. Warm up with SFT, "
                "raise num_generations, or look at what the rewards call right",
            )


def find_pad_token(tokenizer: Any) -> int:
    """Any token does where nothing is learned of it: without one of its own, that of the end."""
    own = tokenizer.pad_token_id
    return int(own if own is not None else tokenizer.eos_token_id)


def collate_positions(rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
    return {"position": torch.tensor([row["position"] for row in rows])}


def make_trainer(parts: StageParts) -> RecordedOnlineST:
    """A trainer ready for `train()`."""
    dataset = make_position_dataset(parts)
    return build_trainer(RecordedOnlineST, parts, dataset, collate_positions)


def _count_labels(example: Example) -> int:
    return sum(label != NO_LABEL for label in example["labels"])
