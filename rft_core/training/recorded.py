"""Recorded: any transformers Trainer as part of a run. Stopped, saved, resumed exactly, recorded.

A mixin for TRL's trainers, and half of what a method is made of (the other half, for those that
learn from their own completions, is `rollouts.py`). A trainer trains one stage and counts its steps
from 0, as transformers does; `step` counts through the whole run. Each override says why.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import Dataset
from transformers import PreTrainedModel, PrinterCallback, Trainer, TrainerCallback
from trl.kernels import chunked_logprob
from trl.trainer import utils as trl_utils

from rft_core.config import RunConfig, StagePlan, get_method, trl_settings
from rft_core.config.methods import UPDATE_RATIO
from rft_core.data.pair_set import PairSet
from rft_core.errors import RftError
from rft_core.planning.facts import LOGITS_AT_ONCE
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.sampler import OnStep, Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.training.prompt_order import PromptOrder
from rft_core.training.prompts import TrainingPrompts
from rft_core.training.recorder import Recorder
from rft_core.training.saving.adapter_files import (
    ADAPTER_NAME,
    add_reference,
    load_adapter_weights,
    save_adapter,
)
from rft_core.training.saving.checkpoints import prune_checkpoints, write_checkpoint
from rft_core.training.saving.finite import StepLength, check_number, check_tensors, diverged
from rft_core.training.stop import StopRequest
from rft_core.training.validating import StageEnded, ValidationStopped, answer_validation

TILE_WIDTH = 32768  # words, of the tiles of logits in which TRL's head scores


def score_sparingly() -> None:
    """For this process, on a CPU; the numbers stay the same. Of its tiles TRL's head holds several
    copies where Triton does not fold them: 4,096 positions would take 4 GiB beside a vocabulary as
    large. It leaves out prompts and padding only where `_use_triton` says yes (asked for no more).
    """
    chunked_logprob.TOKEN_CHUNK_SIZE = LOGITS_AT_ONCE // TILE_WIDTH
    trl_utils._use_triton = lambda _: True  # type: ignore[assignment, attr-defined]


@dataclass(frozen=True)
class StageParts:
    """All that the trainer of one stage is made of.

    `initial_adapter`: begin with another run's policy, or with what the stage before left.
    `gold`: of each training prompt the completion to learn from, for methods that need it; `pairs`:
    of two answers which is preferred, for those. `validated_steps`: of the whole run, after which
    an earlier attempt has validated.
    """

    plan: StagePlan[RunConfig]
    model: PreTrainedModel
    tokenizer: Any
    prompts: TrainingPrompts
    recorder: Recorder
    stop: StopRequest
    checkpoints_dir: Path
    initial_adapter: Path | None = None
    gold: Sequence[str | None] = ()
    pairs: PairSet | None = None
    validated_steps: Collection[int] = ()

    @property
    def config(self) -> RunConfig:
        return self.plan.config

    def trl_arguments(self) -> dict[str, Any]:
        """The arguments that all of TRL's trainers take. When to save and stop is `RunFlow`'s."""
        on_cpu = not torch.cuda.is_available()
        names = trl_settings(get_method(self.config.method))
        return {
            **{name: getattr(self.config, name) for name in names},
            "output_dir": str(self.checkpoints_dir),
            "bf16": self.model.dtype == torch.bfloat16,
            "use_cpu": on_cpu,
            "dataloader_pin_memory": not on_cpu,
            "logging_steps": 1,
            "logging_nan_inf_filter": False,  # it would show a loss of 0 where there is none
            "save_strategy": "no",
            "eval_strategy": "no",
            "report_to": "none",
            "disable_tqdm": True,
        }


class RunFlow(TrainerCallback):
    """When a run validates, saves and stops; and the moments at which it is looked at."""

    def __init__(self, trainer: Recorded, stop: StopRequest) -> None:
        self._trainer, self._stop = trainer, stop
        self._began = time.monotonic()
        self._length = StepLength()
        self._moved: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._trainer.catch_up()
        if self._trainer.ends_early:
            raise StageEnded
        self._trainer.recorder.set_phase("training", "making the next step")

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = time.monotonic()
        self._trainer.recorder.clock.begin("update")  # but for what has a phase of its own in it

    def on_substep_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._trainer.recorder.pulse("training", "updating the adapter")

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        gradients = (parameter.grad for parameter in self._trainer.trained_parameters())
        self._trainer.check_finite(gradients, "the gradient", ahead=1)
        self._length.begin(self._trainer.trained_parameters())

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        trainer, config = self._trainer, self._trainer.parts.config
        trainer.check_finite(trainer.trained_parameters(), "the adapter")
        self._moved = self._length.end(trainer.trained_parameters())
        trainer.recorder.clock.end()
        step, is_last = trainer.step, trainer.has_trained_all
        must_stop = self._stop.is_set or bool(trainer.recorder.needs_attention)
        control.should_evaluate = trainer.is_validation_due
        is_due = config.save_steps > 0 and step % config.save_steps == 0
        control.should_save = is_due or is_last or must_stop
        control.should_training_stop = is_last or must_stop

    def on_log(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        state.log_history.clear()  # it would grow in every checkpoint; the store has it all
        logs = event["logs"]
        if "loss" not in logs:  # the summary at the end of training
            return
        trainer = self._trainer
        for name, what in (("loss", "the loss"), ("grad_norm", "the gradient's norm")):
            if logs.get(name) is not None:  # a step may have none
                check_number(float(logs[name]), what, trainer.step, trainer.recorder.last_saved)
        logs.setdefault("step_time", time.monotonic() - self._began)
        if self._moved is not None:
            logs[UPDATE_RATIO.metric] = self._moved
        trainer.recorder.record_train_step(trainer.step, logs)


class Recorded(Trainer):
    """Mix it in before one of TRL's trainers, and call `attach` before anything else."""

    model: Any
    args: Any
    train_dataset: Any
    parts: StageParts

    def attach(self, parts: StageParts) -> None:
        self.parts, self.recorder = parts, parts.recorder
        if self.args.device.type == "cpu":
            score_sparingly()
        self._sampler = Sampler(self.model, parts.recorder.end_tokens, tokenizer=parts.tokenizer)
        self.add_callback(RunFlow(self, parts.stop))
        self.remove_callback(PrinterCallback)
        config = parts.config
        # The name as the run spells it, so that the adapter fits on another machine too.
        self.model.peft_config[ADAPTER_NAME].base_model_name_or_path = config.model
        if parts.initial_adapter:
            load_adapter_weights(self.model, parts.initial_adapter, config)
            if config.reference == "stage_start":
                add_reference(self.model, parts.initial_adapter)

    @property
    def step(self) -> int:
        """Of the whole run; transformers' own count is this stage's."""
        return self.parts.plan.first_step + int(self.state.global_step)

    @property
    def validates(self) -> bool:
        return self.parts.config.eval_steps > 0 and self.recorder.can_validate

    @property
    def has_trained_all(self) -> bool:
        """Whether this was the stage's last step."""
        return int(self.state.global_step) >= self.parts.config.max_steps

    @property
    def is_validation_due(self) -> bool:
        """After the step that has just ended."""
        is_due = self.validates and self.step % self.parts.config.eval_steps == 0
        return is_due or (self.validates and self.has_trained_all)

    def catch_up(self) -> None:
        """On a resume: make the validation during which the run was stopped."""
        is_owed = self.step not in self.parts.validated_steps
        if self.state.global_step and self.is_validation_due and is_owed:
            self.evaluate()

    def prepare(self) -> None:
        """Before the stage's first step, and again before a later one that a resume goes on with.

        What takes long looks at the stop request itself; where that or the recorder's need of
        attention is set afterwards, no step is made.
        """

    def trained_parameters(self) -> Iterator[torch.nn.Parameter]:
        return (parameter for parameter in self.model.parameters() if parameter.requires_grad)

    def check_finite(self, tensors: Iterator[Any], what: str, ahead: int = 0) -> None:
        """`ahead`: 1 while the step is not counted yet."""
        check_tensors(tensors, what, self.step + ahead, self.recorder.last_saved)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """A loss that is not finite ends the run before it reaches the weights."""
        loss = super().training_step(*args, **kwargs)
        check_number(float(loss), "the loss", self.step + 1, self.recorder.last_saved)
        return loss

    def _get_train_sampler(self, dataset: Dataset[Any] | None = None) -> PromptOrder:
        """One order for the whole stage: see `prompt_order.py`."""
        args = self.args
        return PromptOrder(
            len(self.train_dataset),
            prompts_per_batch=args.train_batch_size * args.world_size
            * args.gradient_accumulation_steps,
            num_generations=1,
            uses=1,
            num_batches=args.max_steps,
            seed=args.seed,
        )  # fmt: skip

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Sample and score the validation prompts. TRL would also compute a loss nobody reads.

        The random numbers are the same every time and not those of training: validations differ
        by the policy alone, and training does not depend on how often one validates. A stop ends it
        at the next token: nothing of it is kept, and a resume makes it again.
        """
        self.control.should_evaluate = False
        try:
            with self.recorder.clock.during("validate"):
                metrics = self._validate()
        except ValidationStopped:
            self.control.should_save = self.control.should_training_stop = True
            return {}
        self.control.should_training_stop |= self.ends_early
        self.control.should_save |= self.ends_early or self.recorder.kept_step == self.step
        return metrics

    @property
    def ends_early(self) -> bool:
        """Whether its validations have not improved for as long as anybody wanted to wait."""
        return bool(self.recorder.best_watch.find_reason_to_end())

    def check_stop(self) -> None:
        """Within a validation. Raises `ValidationStopped`."""
        if self.parts.stop.is_set:
            raise ValidationStopped

    def _validate(self) -> dict[str, float]:
        positions, ids = answer_validation(self)
        return self.recorder.record_validation(self.step, positions, ids, self.check_stop)

    def sample(
        self,
        phase: str,
        prompts: Sequence[Sequence[int]],
        first: int = 0,
        on_step: OnStep | None = None,
    ) -> list[list[int]]:
        """Completions as token ids, sampled as chat and evaluation do. `first`: the first index.

        Prompts are read once per group, finished completions leave the batch, and the adapter is
        merged into the weights meanwhile: the same policy, without its extra products.
        """
        rows = [SampledRow(tuple(ids), at, ADAPTER_NAME) for at, ids in enumerate(prompts, first)]

        def show(num_tokens: int) -> None:
            self.recorder.pulse(phase, f"{self.name_sampling(len(rows))}, token {num_tokens}")

        try:
            sampled = list(self._sampler.sample(rows, self._draw_sampling(), on_step or show))
        except RftError as error:  # finite weights may still be too large to compute with
            raise diverged(error.what, self.step + 1, self.recorder.last_saved) from error
        return [list(row.ids) for row in sampled]

    def name_sampling(self, count: int) -> str:
        """What people read while so many completions are sampled."""
        return f"sampling {count} completions"

    def _draw_sampling(self) -> SamplingParams:
        """The stage's sampling, seeded from the random state that checkpoints keep."""
        return SamplingParams.of(self.parts.config, int(torch.randint(2**31, ())))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """As transformers does, but whole or not at all, and never newer than the store."""
        if self.args.should_save:  # else another process of this training does
            with self.recorder.clock.during("save"):
                self._write_whole_checkpoint()
            self.recorder.set_phase("training")

    def _write_whole_checkpoint(self) -> None:
        folder = Path(self.args.output_dir)
        self.recorder.set_phase("saving", f"checkpoint at step {self.step}")
        self.recorder.make_durable()
        with write_checkpoint(folder, self.step) as temporary:
            self.save_weights(temporary)
            self._save_optimizer_and_scheduler(str(temporary))
            self._save_rng_state(str(temporary))
            self._save_own_state(temporary)
            self.state.save_to_json(str(temporary / "trainer_state.json"))
        keep = self.parts.config.save_total_limit
        reduced = prune_checkpoints(folder, keep=keep, spared=self.recorder.kept_step)
        self.recorder.record_checkpoint(self.step, reduced)

    def save_weights(self, folder: Path) -> None:
        """What the run leaves behind, and needs to be talked to: the adapter."""
        save_adapter(self.model, folder)

    def load_weights(self, folder: Path) -> None:
        load_adapter_weights(self.model, folder, self.parts.config)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint:
            self._load_own_state(Path(checkpoint))

    def _save_own_state(self, folder: Path) -> None:
        """What the method needs to go on exactly, beside optimizer, schedule, random states."""

    def _load_own_state(self, folder: Path) -> None: ...
