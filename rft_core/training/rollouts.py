"""Rollouts: the half of a method that learns from completions which it samples itself.

Over TRL's trainers that sample groups (GRPO, RLOO). TRL is handed the recorded token ids of the
prompts and one total reward per completion; texts are decoded here from the sampled ids, never
taken from what TRL makes of them (a tokenizer with a response template would lose the reasoning).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object  # type: ignore[import-untyped]
from datasets import Dataset

from rft_core.rewards.sampled_batch import SampledBatch, join_batches
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.store.phase_times import OTHER
from rft_core.training.prompt_order import PromptOrder
from rft_core.training.recorded import Recorded, StageParts
from rft_core.training.recorder import Recorder
from rft_core.training.saving.adapter_files import is_reference
from rft_core.training.update.prompt_sharing import PromptSharing, put_groups_together
from rft_core.training.update.shared_prompt import PaddedRows, ValueOf
from rft_core.training.update.token_logprobs import TokenReading

BUFFER_NAME = "generation_buffer.pt"


class TotalReward:
    """TRL's one reward function: the weighted sum of the run's own, None where none could judge."""

    __name__ = "total"  # TRL names its metrics by it; ours replace them

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.scored: SampledBatch | None = None

    def __call__(
        self, *, completion_ids: Sequence[Sequence[int]], position: Sequence[int], **_: Any
    ) -> list[float | None]:
        self._recorder.set_phase("training", f"scoring {len(completion_ids)} completions")
        with self._recorder.clock.during("score"):
            self.scored = self._recorder.score("train", position, completion_ids)
        return [sample.reward for sample in self.scored.samples]


class Rollouts(Recorded):
    """Mix it in before one of TRL's trainers that sample. Its reward must be a `TotalReward`."""

    kl_is_in_reward = False  # whether KL reaches the loss through the advantages alone
    value_of: ValueOf | None = None  # reads values from the policy's states, where a method does
    num_iterations: int
    use_vllm: bool
    beta: float
    temperature: float
    _step: int
    _buffered_inputs: Any
    _teaches: torch.Tensor | None = None  # of the batch whose loss is being computed
    mask_truncated_completions = False  # by TRL, which knows end tokens alone
    _masks_truncated = False  # by us, who know stop strings too

    def attach(self, parts: StageParts) -> None:
        super().attach(parts)
        if parts.config.stop_strings:
            self._masks_truncated = self.mask_truncated_completions
            self.mask_truncated_completions = False
        self._sharing = PromptSharing(
            self.temperature,
            lambda reason: parts.recorder.tell("prompts_not_shared", reason),
            forbidden=self._find_reason_not_to_share(),
            entropies_pull=self._has_entropy_bonus,
            value_of=self.value_of,
        )

    @property
    def _has_entropy_bonus(self) -> bool:
        return bool(getattr(self, "entropy_coef", 0.0))

    @property
    def _depends_on_batch(self) -> bool:
        """Whether a row's part of the loss depends on which others are in its batch: its tokens are
        counted (`bnpo`, an entropy bonus), or its entropies compared.
        """
        keeps_all = getattr(self, "top_entropy_quantile", 1.0) == 1
        is_bnpo = getattr(self, "loss_type", "") == "bnpo"
        return is_bnpo or self._has_entropy_bonus or not keeps_all

    def _find_reason_not_to_share(self) -> str:
        if self.args.gradient_checkpointing:
            return "gradient checkpointing keeps no keys and values to go on from"
        if self.accelerator.num_processes > 1:
            return "several processes add up their gradients around the whole model"
        return ""

    def _get_train_sampler(self, dataset: Any = None) -> PromptOrder:
        args = self.args
        uses = args.num_iterations * args.steps_per_generation
        return PromptOrder(
            len(self.train_dataset),
            prompts_per_batch=args.generation_batch_size // args.num_generations,
            num_generations=args.num_generations,
            uses=uses,
            num_batches=math.ceil(args.max_steps * args.gradient_accumulation_steps / uses),
            seed=args.seed,
        )

    def _tokenize_prompts(
        self, prompts: Sequence[str]
    ) -> tuple[list[list[int]], None, dict[str, Any]]:
        """The tokens that were recorded, by position: rendered once, for all."""
        train = self.parts.prompts.train
        return [list(train[int(position)].token_ids) for position in prompts], None, {}

    def sample_batch(self, prompts: Sequence[Sequence[int]]) -> list[list[int]]:
        """This process's completions. All are seeded alike, so indices count through them all."""
        self.recorder.set_phase("training", f"sampling {len(prompts)} completions")
        return self.sample("training", prompts, self.accelerator.process_index * len(prompts))

    def _generate(self, prompts: Any) -> Any:
        """In tokens, texts and counts: TRL's own, of what `sample_batch` or vLLM has sampled."""
        with self.recorder.clock.during("sample"):
            generated = super()._generate(prompts)  # type: ignore[misc]
        if self.parts.config.stop_strings:
            logged = self._metrics["train"]  # type: ignore[attr-defined]
            for name in [name for name in logged if name.endswith("terminated_length")]:
                del logged[name]  # TRL's, as if only end tokens ended any
        return generated

    def _generate_and_score_completions(self, inputs: Any) -> Any:
        """Keep what was scored, with the advantages that are really trained on."""
        with self.recorder.clock.during(OTHER):  # what is neither sampled, scored nor read of it
            outputs = super()._generate_and_score_completions(inputs)  # type: ignore[misc]
        total: TotalReward = self.reward_funcs[0]  # type: ignore[attr-defined]
        assert total.scored is not None
        if self._masks_truncated:
            self._mask_truncated(outputs, total.scored.truncated)
        batches = gather_object([total.scored])
        advantages = gather_object(self.find_advantages(outputs, total.scored))
        self.recorder.hold(join_batches(batches), advantages)
        self.recorder.set_phase("training", "updating the adapter")
        return outputs

    def _mask_truncated(self, outputs: dict[str, Any], truncated: Sequence[bool]) -> None:
        """Out of the loss with them, and out of the count of tokens that it is divided by."""
        mask = outputs["completion_mask"]
        goes_on = torch.tensor(truncated, device=mask.device).logical_not()
        outputs["completion_mask"] = mask * goes_on[:, None]
        if "old_logps" in outputs:  # of whole completions, in RLOO: a ratio of 1, and no pull
            outputs["old_logps"] = outputs["old_logps"] * goes_on
        if "num_items_in_batch" in outputs:
            counts = self.accelerator.gather(outputs["completion_mask"].sum())
            outputs["num_items_in_batch"] = counts.sum()

    def find_advantages(self, outputs: dict[str, Any], batch: SampledBatch) -> list[float]:
        """Of each of this process's completions, as it is trained on: TRL's own, from its group."""
        advantages: list[float] = outputs["advantages"].tolist()
        return advantages

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        """A step's completions in batches of whole groups, as far as they go."""
        before = self._buffered_inputs
        inputs = super()._prepare_inputs(generation_batch)
        fresh = self._buffered_inputs
        if fresh is before or len(fresh) == 1 or self._depends_on_batch:
            return inputs
        self._buffered_inputs = put_groups_together(fresh)
        return self._buffered_inputs[self._step % len(fresh)]

    def _compute_loss(self, model: Any, inputs: Any) -> Any:
        """Where nothing but the advantage pulls at a completion, those without one pull nowhere."""
        if (self.beta == 0 or self.kl_is_in_reward) and not self._has_entropy_bonus:
            self._teaches = inputs["advantages"] != 0
        try:
            return super()._compute_loss(model, inputs)  # type: ignore[misc]
        finally:
            self._teaches = None

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        batch_size: int | None = None,
        *,
        compute_entropy: bool = False,
        compute_aux_loss: bool = False,
        **media: Any,
    ) -> Any:
        """Every forward pass of TRL's update goes through here: policy, old policy, reference."""
        if compute_aux_loss or any(value is not None for value in media.values()):
            with self._reading(model):
                return super()._get_per_token_logps_and_entropies(  # type: ignore[misc]
                    model, input_ids, attention_mask, logits_to_keep, batch_size,
                    compute_entropy=compute_entropy, compute_aux_loss=compute_aux_loss, **media,
                )  # fmt: skip
        rows = PaddedRows(input_ids, attention_mask, input_ids.shape[1] - logits_to_keep)
        scored = self.read(model, rows, batch_size)
        return scored.logprobs, scored.entropies if compute_entropy else None, None

    def read(self, model: Any, rows: PaddedRows, rows_at_once: int | None = None) -> TokenReading:
        """The completions as the model sees them, with prompts shared where that works."""
        with self._reading(model):
            with self.accelerator.autocast():
                if self._sharing.works_for(model, rows, partial(self.read_plainly, model)):
                    return self._sharing.score(
                        model, rows, rows_at_once=rows_at_once, teaches=self._teaches
                    )
            return self.read_plainly(model, rows, rows_at_once)

    def read_plainly(
        self, model: Any, rows: PaddedRows, rows_at_once: int | None = None
    ) -> TokenReading:
        """The same by TRL's own pass."""
        num_columns = rows.ids.shape[1] - rows.start
        logprobs, entropies, _ = super()._get_per_token_logps_and_entropies(  # type: ignore[misc]
            model, rows.ids, rows.mask, num_columns, rows_at_once, compute_entropy=True
        )
        return TokenReading(logprobs, entropies)

    @contextmanager
    def _reading(self, model: Any) -> Iterator[None]:
        """The phase of a pass without gradient; with one it is the update itself."""
        if torch.is_grad_enabled():
            yield
            return
        phase, whose = "old_logprobs", "policy that sampled"
        if is_reference(model):
            phase, whose = "reference_logprobs", "reference model"
        self.recorder.set_phase("training", f"reading the completions with the {whose}")
        with self.recorder.clock.during(phase):
            yield

    def _save_own_state(self, folder: Path) -> None:
        """With `num_iterations` > 1 the next step may go on with a batch that is already there."""
        uses = self.args.steps_per_generation * self.num_iterations
        batches = self._buffered_inputs if self._step % uses else None
        torch.save({"step": self._step, "batches": batches}, folder / BUFFER_NAME)

    def _load_own_state(self, folder: Path) -> None:
        """TRL's own counters, which it forgets on resume."""
        saved = torch.load(folder / BUFFER_NAME, map_location=self.args.device)
        self._step, self._buffered_inputs = saved["step"], saved["batches"]


def make_position_dataset(parts: StageParts) -> Dataset:
    """TRL's columns. Prompts are named by position: everything else is found by it, unconverted."""
    positions = list(range(len(parts.prompts.train)))
    return Dataset.from_dict({"prompt": [str(at) for at in positions], "position": positions})


def sampling_arguments(parts: StageParts) -> dict[str, Any]:
    """TRL's arguments for a trainer that samples. It samples itself where vLLM does."""
    arguments = {**parts.trl_arguments(), "use_vllm": False, "reward_weights": [1.0]}
    if parts.config.engine == "vllm":
        extras = SamplingParams.of(parts.config, parts.config.seed).vllm_extras
        arguments |= {"use_vllm": True, "generation_kwargs": extras or None}
    return arguments
