"""How long a run is, in what portions, and when it validates and saves."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BeforeValidator

from rft_core.config.fields import OrNone, declare
from rft_core.config.settings.frozen import Frozen
from rft_core.config.stages import Stage, read_stages

Stages = Annotated[tuple[Stage, ...], BeforeValidator(read_stages)]


@dataclass(frozen=True)
class BestRule:
    """How the best step of a run is known. `metric` None: the method's own measure; `patience`:
    validations without an improvement by more than `threshold` that end the run, 0: none do;
    `is_kept`: whether the run ends with its best step.
    """

    metric: str | None = None
    greater_is_better: bool = True
    patience: int = 0
    threshold: float = 0.0
    is_kept: bool = False

    @property
    def is_wanted(self) -> bool:
        return self.is_kept or self.patience > 0


class ScheduleSettings(Frozen):
    max_steps: int = declare("Schedule", 200, "Optimizer steps.", trl=True, ge=1, le=10_000_000)
    num_train_epochs: OrNone[float] = declare(
        "Schedule", None,
        "Passes over the training prompts, in place of max_steps: counted into steps at launch.",
        ge=0.001, le=10_000, advanced=True,
    )  # fmt: skip
    stages: Stages = declare(
        "Schedule", (),
        "Several methods one after the other, each from the policy that those before it left: "
        "'sft 40 learning_rate=1e-4; grpo 160'. Empty: one method.",
        advanced=True,
    )  # fmt: skip
    per_device_train_batch_size: int = declare(
        "Schedule",
        64,
        "Completions (judgements, of pairs) per forward pass and device.",
        trl=True,
        ge=1,
        le=16_384,
    )
    gradient_accumulation_steps: int = declare(
        "Schedule", 1, "Forward passes per optimizer step.", trl=True, ge=1, le=16_384
    )
    gradient_checkpointing: bool = declare(
        "Schedule", False, "Trade compute for memory.", trl=True, advanced=True
    )
    eval_steps: int = declare(
        "Schedule", 20, "Validate every N steps; 0: never.", ge=0, le=10_000_000
    )
    num_generations_eval: int = declare(
        "Schedule",
        1,
        "Completions per validation prompt.",
        trl=("rollouts",),
        ge=1,
        le=256,
        advanced=True,
    )
    per_device_eval_batch_size: int = declare(
        "Schedule", 64, "Validation completions per forward pass.", trl=True, ge=1, le=16_384,
        advanced=True,
    )  # fmt: skip
    load_best_model_at_end: bool = declare(
        "Schedule", False,
        "Save after each validation that is the best so far, keep that checkpoint, and end with "
        "it: exports, chat and evaluations use it.",
        advanced=True,
    )  # fmt: skip
    metric_for_best_model: OrNone[str] = declare(
        "Schedule", None,
        "What is best, as validations measure it: 'rewards/equation/mean'. Empty: the reward; of "
        "pairs, their accuracy.",
        max_length=200, advanced=True,
    )  # fmt: skip
    greater_is_better: bool = declare(
        "Schedule", True, "Whether more of that measure is better.", advanced=True
    )
    early_stopping_patience: int = declare(
        "Schedule", 0,
        "End after so many validations in a row that did not improve that measure; 0: never. Of a "
        "run in stages, the last.",
        ge=0, le=10_000, advanced=True,
    )  # fmt: skip
    early_stopping_threshold: float = declare(
        "Schedule", 0.0, "An improvement is one by more than this.", ge=0, le=1e9, advanced=True
    )
    save_steps: int = declare(
        "Schedule", 50, "Checkpoint every N steps; 0: only at the end.", ge=0, le=10_000_000
    )
    save_total_limit: int = declare(
        "Schedule", 2, "Full checkpoints kept for resuming; adapters of all are kept.",
        ge=1, le=1000,
    )  # fmt: skip

    @property
    def best_rule(self) -> BestRule:
        return BestRule(
            self.metric_for_best_model, self.greater_is_better, self.early_stopping_patience,
            self.early_stopping_threshold, self.load_best_model_at_end,
        )  # fmt: skip
