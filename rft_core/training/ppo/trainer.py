"""PPO + LoRA with rule rewards: a value for every token, and a few updates for every rollout.

The frame is TRL's GRPOTrainer, which has no PPO any more: it samples, scores, buffers a rollout for
`num_iterations` updates and reads the reference (adapter off, or what the stage began with). Ours
is what makes it PPO: the score of a completion goes to its last token and KL to every token's
reward; a value head on the policy's own last hidden state, read in the same forward pass as the log
probabilities; advantages by GAE, whitened over the rollout; both clipped losses. Groups are not
needed, but where a prompt has several completions it is read once for all of them.

The settings are ReFT's (arXiv 2401.08967) by TRL's names: TRL's old `cliprange` is `epsilon` here,
`kl_coef` is `beta` and `num_ppo_epochs` is `num_iterations`, as for the other methods. Updates are
made without dropout. The gradient of both losses reaches the adapter, and is clipped as one.

What is stored as a completion's reward is the reward set's alone. Its advantage is the mean over
its tokens of the whitened advantages: how much the update pulls at it, one way or the other.

Not covered: several processes, and the load balancing of a mixture of experts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from trl.trainer.grpo_config import GRPOConfig

from rft_core.errors import BadInputError
from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.training.grpo import RecordedGRPO
from rft_core.training.ppo.losses import Clipping, PPOLoss, Rollout, measure_ppo_loss
from rft_core.training.ppo.token_advantages import (
    estimate_advantages,
    explained_variance,
    kl_k1,
    kl_k3,
    sum_to_come,
    token_rewards,
    whiten,
)
from rft_core.training.ppo.value_head import ValueHead, load_value_head, save_value_head
from rft_core.training.recorded import StageParts
from rft_core.training.rollouts import TotalReward, make_position_dataset, sampling_arguments
from rft_core.training.saving.adapter_files import is_reference, make_lora_config
from rft_core.training.update.shared_prompt import PaddedRows, get_base
from rft_core.training.update.token_logprobs import TokenReading

HEAD_RATE = 10  # the value head's learning rate, as a multiple of the adapter's


class RecordedPPO(RecordedGRPO):
    """PPO as part of a run."""

    kl_is_in_reward = True
    value_head: ValueHead
    _sampled: TokenReading  # what the policy that sampled says of its own completions

    def attach(self, parts: StageParts) -> None:
        if self.accelerator.num_processes > 1:
            raise BadInputError(
                "PPO trains in one process", "Its value head is not shared", "Use one process"
            )
        width = get_base(self.model).get_output_embeddings().in_features
        self.value_head = self.value_of = ValueHead(width, self.args.device)
        super().attach(parts)
        if parts.initial_adapter:
            load_value_head(self.value_head, parts.initial_adapter)

    def trained_parameters(self) -> Iterator[torch.nn.Parameter]:
        return chain(super().trained_parameters(), self.value_head.parameters())

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """With a group for the head, whose gradient transformers would not clear: no model has it.

        It follows the schedule of the adapter's rate.
        """
        config, is_new = self.parts.config, self.optimizer is None
        optimizer = super().create_optimizer(model)
        if is_new:
            rate = config.value_learning_rate or HEAD_RATE * config.learning_rate
            head = [*self.value_head.parameters()]
            optimizer.add_param_group({"params": head, "lr": rate, "weight_decay": 0.0})
            optimizer.register_step_post_hook(lambda *_: self.value_head.zero_grad())
        return optimizer

    def _clip_grad_norm(self, model: Any) -> Any:
        parameters = [*self.trained_parameters()]
        return self.accelerator.clip_grad_norm_(parameters, self.args.max_grad_norm)

    def read(self, model: Any, rows: PaddedRows, rows_at_once: int | None = None) -> TokenReading:
        scored = super().read(model, rows, rows_at_once)
        if not torch.is_grad_enabled() and not is_reference(model):
            self._sampled = scored
        return scored

    def read_plainly(
        self, model: Any, rows: PaddedRows, rows_at_once: int | None = None
    ) -> TokenReading:
        """TRL's pass gives no states: they are caught on their way to its head."""
        with _catch_states(model) as states:
            scored = super().read_plainly(model, rows, rows_at_once)
        values = self.value_head(torch.cat(states)[:, rows.start - 1 : -1])
        return scored._replace(values=values * rows.completion_mask)

    def find_advantages(self, outputs: dict[str, Any], batch: SampledBatch) -> list[float]:
        """Per token, into `outputs`; returned is each completion's mean."""
        if "old_per_token_logps" not in outputs:  # TRL reads them where several updates follow
            with torch.no_grad():
                self.read(self.model, _rows(outputs), self.args.per_device_train_batch_size)
        logprobs, values = self._sampled.logprobs, self._sampled.values
        assert values is not None
        scores, mask = self._score_rows(batch, _own_tokens(outputs))
        reference = outputs.get("ref_per_token_logps", logprobs)
        rewards = token_rewards(scores, kl_k1(logprobs, reference), mask, self.beta)
        config = self.parts.config
        to_come = sum_to_come(rewards, mask, config.gamma)
        if self.value_head.promises_nothing:
            self.value_head.promise(_mean(to_come, mask))
            values = self.value_head.bias.detach() * mask
        found = estimate_advantages(rewards, values, mask, gamma=config.gamma, lam=config.lam)
        advantages = whiten(found.advantages, mask)
        self._show_rollout(to_come, values, mask, logprobs, reference)
        # From vLLM tokens come with weights, for its probabilities are not quite the model's.
        outputs["advantages"] = advantages * outputs.get("importance_sampling_ratio", 1.0)
        outputs |= {
            "old_per_token_logps": logprobs, "old_values": values, "returns": found.returns,
            "loss_mask": mask, "num_items_in_batch": mask.sum(),
        }  # fmt: skip
        means: list[float] = (advantages.sum(dim=1) / mask.sum(dim=1).clamp(min=1)).tolist()
        return means

    def _score_rows(
        self, batch: SampledBatch, own: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Scores [rows], and the tokens to learn from: none of what nobody could score."""
        penalty = self.parts.config.missing_eos_penalty
        scores = torch.tensor(
            [
                float("nan") if sample.reward is None else sample.reward - penalty * is_cut
                for sample, is_cut in zip(batch.samples, batch.truncated, strict=True)
            ],
            device=own.device,
        )
        return scores.nan_to_num(), own * scores.isfinite()[:, None]

    def _show_rollout(
        self,
        to_come: torch.Tensor,
        values: torch.Tensor,
        mask: torch.Tensor,
        logprobs: torch.Tensor,
        reference: torch.Tensor,
    ) -> None:
        """What values explain is the rewards that really came, not returns made of values."""
        explained = explained_variance(values, to_come, mask)
        shown = {"value/mean": _mean(values, mask)}
        if explained is not None:
            shown["value/explained_variance"] = explained
        if self.beta:
            shown["kl"] = _mean(kl_k3(logprobs, reference), mask)
            per_row = (kl_k1(logprobs, reference) * mask).sum(dim=1)
            shown["kl/sequence"] = float(per_row[mask.any(dim=1)].mean())
        self._show(shown)
        if self.num_generations == 1:  # TRL counts groups of one among those that teach nothing
            self._metrics["train"].pop("frac_reward_zero_std", None)

    def _compute_loss(self, model: Any, inputs: Any) -> torch.Tensor:
        scored = self.read(model, _rows(inputs))
        assert scored.values is not None
        config, mask = self.parts.config, inputs["loss_mask"]
        rollout = Rollout(
            inputs["old_per_token_logps"], inputs["old_values"], inputs["advantages"],
            inputs["returns"], mask,
        )  # fmt: skip
        clipping = Clipping(self.epsilon_low, self.epsilon_high, config.cliprange_value)
        loss = measure_ppo_loss(
            scored.logprobs, scored.values, rollout, clipping, self._count_tokens(inputs)
        )
        self._show_update(loss, _mean(scored.entropies.detach(), mask))
        return loss.policy + config.vf_coef * loss.value

    def _count_tokens(self, inputs: Any) -> torch.Tensor:
        """Of the step that this batch is a part of; transformers adds its parts up."""
        parts = self.current_gradient_accumulation_steps / self.args.steps_per_generation
        count: torch.Tensor = inputs["num_items_in_batch"].clamp(min=1) * parts
        return count

    def _show_update(self, loss: PPOLoss, entropy: float) -> None:
        parts = self.current_gradient_accumulation_steps
        self._show(
            {
                "entropy": entropy,
                # A part of the step's, where TRL shows the mean of what its batches say.
                "policy_loss": float(loss.policy.detach()) * parts,
                "value/loss": float(loss.value.detach()) * parts,
                "value/clip_fraction": loss.value_clipped,
                "clip_ratio/region_mean": loss.clipped,
                "ratio/mean": loss.ratio,
            }
        )

    def _show(self, numbers: dict[str, float]) -> None:
        for name, number in numbers.items():
            self._metrics["train"][name].append(number)

    def _save_own_state(self, folder: Path) -> None:
        super()._save_own_state(folder)
        save_value_head(self.value_head, folder)

    def _load_own_state(self, folder: Path) -> None:
        super()._load_own_state(folder)
        load_value_head(self.value_head, folder)


def make_trainer(parts: StageParts) -> RecordedPPO:
    """A trainer ready for `train()`.

    GRPO refuses groups of one, and its arguments check themselves: they are made with one group as
    large as the batch, and told the real size afterwards.
    """
    config = parts.config
    one_group = {**sampling_arguments(parts), "num_generations": config.generation_batch_size}
    args = GRPOConfig(**one_group, disable_dropout=True)
    args.num_generations = config.num_generations
    trainer = RecordedPPO(
        model=parts.model,
        reward_funcs=[TotalReward(parts.recorder)],
        args=args,
        train_dataset=make_position_dataset(parts),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(config),
    )
    trainer.attach(parts)
    return trainer


def _rows(inputs: Any) -> PaddedRows:
    ids, mask = (
        torch.cat([inputs[f"prompt_{what}"], inputs[f"completion_{what}"]], dim=1)
        for what in ("ids", "mask")
    )
    return PaddedRows(ids, mask, inputs["prompt_ids"].shape[1])


def _own_tokens(inputs: Any) -> torch.Tensor:
    """Of the completions, what the policy wrote itself: not padding, nor what tools answered."""
    mask: torch.Tensor = inputs["completion_mask"]
    return mask * inputs["tool_mask"] if "tool_mask" in inputs else mask


@contextmanager
def _catch_states(model: Any) -> Iterator[list[torch.Tensor]]:
    """The last hidden states [rows, columns, width] of every pass made meanwhile."""
    states: list[torch.Tensor] = []
    backbone = get_base(model).base_model
    handle = backbone.register_forward_hook(
        lambda module, args, output: states.append(output.last_hidden_state)
    )
    try:
        yield states
    finally:
        handle.remove()


def _mean(numbers: torch.Tensor, mask: torch.Tensor) -> float:
    return float((numbers * mask).sum() / mask.sum().clamp(min=1))
