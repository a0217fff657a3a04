"""TRL's GRPOTrainer, recorded, validated and exactly resumable; and when a run does what.

Each override says why it is there. What the hyperparameters are is `grpo.py`'s business.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import TrainerCallback
from trl.trainer.grpo_trainer import GRPOTrainer

from rft_core.config import RunConfig
from rft_core.sampling.decoding import SampledRow
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.training.adapter_files import ADAPTER_NAME, save_adapter
from rft_core.training.checkpoints import prune_checkpoints, write_checkpoint
from rft_core.training.prompt_order import PromptOrder
from rft_core.training.recorder import Recorder, completion_text
from rft_core.training.stop import StopRequest

BUFFER_NAME = "generation_buffer.pt"


class RunFlow(TrainerCallback):
    """When a run validates, saves and stops; and the moment at which a step is recorded."""

    def __init__(
        self, config: RunConfig, recorder: Recorder, stop: StopRequest, *, has_validation: bool
    ) -> None:
        self._config, self._recorder, self._stop = config, recorder, stop
        self._validates = has_validation and config.eval_steps > 0

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, config = state.global_step, self._config
        is_last = step >= config.max_steps
        must_stop = self._stop.is_set or bool(self._recorder.needs_attention)
        control.should_evaluate = self._validates and (step % config.eval_steps == 0 or is_last)
        is_due = config.save_steps > 0 and step % config.save_steps == 0
        control.should_save = is_due or is_last or must_stop
        control.should_training_stop = is_last or must_stop

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._recorder.pulse("training", "updating the adapter")

    def on_log(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        state.log_history.clear()  # it would grow in every checkpoint; the store has it all
        if "loss" in event["logs"]:  # not the summary at the end of training
            self._recorder.record_train_step(state.global_step, event["logs"])


class RunTrainer(GRPOTrainer):
    """See the module's docstring. Call `attach` before anything else."""

    model: Any
    args: Any
    train_dataset: Any
    num_generations_eval: int

    def attach(self, config: RunConfig, recorder: Recorder, validation: Dataset) -> None:
        self._run_config, self._recorder, self.validation = config, recorder, validation
        end_tokens = get_end_tokens(self.model, self.processing_class)
        self._sampler = Sampler(self.model, end_tokens)

    def _get_train_sampler(self, dataset: Dataset | None = None) -> PromptOrder:
        """One order for the whole run: see `prompt_order.py`."""
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

    def _generate_single_turn(self, prompt_ids: list[Any], *args: Any, **kwargs: Any) -> Any:
        """Sample as chat and evaluation do, which is also faster than `generate`.

        Prompts are read once per group, finished completions leave the batch, and the adapter is
        merged into the weights meanwhile: the same policy, without its extra products.
        """
        phase = "training" if self.model.training else "validating"
        if self.model.training:
            self._recorder.set_phase(phase, f"sampling {len(prompt_ids)} completions")
        if self.use_vllm:
            return super()._generate_single_turn(prompt_ids, *args, **kwargs)  # type: ignore[no-untyped-call]
        # Ranks are seeded alike, so a row's index is its place among the rows of all ranks.
        first = self.accelerator.process_index * len(prompt_ids)
        rows = [
            SampledRow(tuple(ids), index, ADAPTER_NAME)
            for index, ids in enumerate(prompt_ids, start=first)
        ]

        def show(num_tokens: int) -> None:
            self._recorder.pulse(phase, f"sampling {len(rows)} completions, token {num_tokens}")

        sampled = self._sampler.sample(rows, self._draw_sampling(), show)
        return [list(tokens.ids) for tokens in sampled], None  # TRL wants vLLM's logprobs only

    def _draw_sampling(self) -> SamplingParams:
        """The run's sampling, seeded from the random state that checkpoints keep."""
        return SamplingParams(
            temperature=self.temperature,
            top_p=self.top_p,
            top_k=self.top_k,
            max_completion_length=self._run_config.max_completion_length,
            seed=int(torch.randint(2**31, ())),
        )

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Sample and score the validation prompts. TRL would also compute a loss nobody reads.

        The random numbers are the same every time and not those of training: validations differ
        by the policy alone, and training does not depend on how often one validates.
        """
        self._recorder.set_phase("validating", f"{len(self.validation)} prompts")
        positions: list[int] = []
        texts: list[str] = []
        ids: list[list[int]] = []
        with _evaluating(self.model), _own_randomness(self.args.seed):
            for rows in self._validation_batches():
                prompts = [row["prompt"] for row in rows]
                _, completion_ids, _, completions, *_ = self._generate(prompts)
                positions += [row["position"] for row in rows]
                texts += [completion_text(completion) for completion in completions]
                ids += completion_ids
        self._metrics["eval"].clear()
        self.control.should_evaluate = False
        return self._recorder.record_validation(self.state.global_step, positions, texts, ids)

    def _validation_batches(self) -> Iterator[list[dict[str, Any]]]:
        per_batch = max(1, self.args.per_device_eval_batch_size // self.num_generations_eval)
        for start in range(0, len(self.validation), per_batch):
            rows = self.validation.select(
                range(start, min(start + per_batch, len(self.validation)))
            )
            yield [row for row in rows for _ in range(self.num_generations_eval)]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As transformers does, but whole or not at all: see `checkpoints.py`."""
        step, folder = self.state.global_step, Path(self.args.output_dir)
        self._recorder.set_phase("saving", f"checkpoint at step {step}")
        with write_checkpoint(folder, step) as temporary:
            save_adapter(self.model, temporary)
            self._save_optimizer_and_scheduler(str(temporary))
            self._save_rng_state(str(temporary))
            self._save_generation_buffer(temporary)
            self.state.save_to_json(str(temporary / "trainer_state.json"))
        reduced = prune_checkpoints(folder, keep=self._run_config.save_total_limit)
        self._recorder.record_checkpoint(step, reduced)

    def _save_generation_buffer(self, folder: Path) -> None:
        """With `num_iterations` > 1 the next step may go on with a batch that is already there."""
        uses = self.args.steps_per_generation * self.num_iterations
        batches = self._buffered_inputs if self._step % uses else None
        torch.save({"step": self._step, "batches": batches}, folder / BUFFER_NAME)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Also TRL's own counters, which it forgets on resume."""
        super()._load_optimizer_and_scheduler(checkpoint)  # type: ignore[no-untyped-call]
        if checkpoint:
            saved = torch.load(Path(checkpoint) / BUFFER_NAME, map_location=self.args.device)
            self._step, self._buffered_inputs = saved["step"], saved["batches"]


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """Without dropout and gradient checkpointing; TRL reads its own mode from the model's."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
