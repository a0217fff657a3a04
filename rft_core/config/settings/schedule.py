"""How long a run is, in what portions, and when it validates and saves."""

from typing import Annotated

from pydantic import BeforeValidator

from rft_core.config.fields import OrNone, declare
from rft_core.config.settings.frozen import Frozen
from rft_core.config.stages import Stage, read_stages

Stages = Annotated[tuple[Stage, ...], BeforeValidator(read_stages)]


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
    save_steps: int = declare(
        "Schedule", 50, "Checkpoint every N steps; 0: only at the end.", ge=0, le=10_000_000
    )
    save_total_limit: int = declare(
        "Schedule", 2, "Full checkpoints kept for resuming; adapters of all are kept.",
        ge=1, le=1000,
    )  # fmt: skip
