"""RunConfig: every hyperparameter of a run, declared once.

The form on the Train page, the YAML file, `--set key=value` and the arguments of TRL's trainers are
all drawn from this one class. A field says which methods use it and whether it is TRL's own, name
for name. Bounds of single fields live here: what no training could bear is refused. Rules between
fields (divisibility, lengths, disk, target modules) live in `planning`, which can offer a cure.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from rft_core.config.fields import STAGE_GROUPS, MethodName, Names, OrNone, declare
from rft_core.config.methods import Method, get_method
from rft_core.config.stages import Stage, StagePlan, read_stages

Stages = Annotated[tuple[Stage, ...], BeforeValidator(read_stages)]

MOST_VLLM_RANK = 64  # of an adapter: vLLM is started with room for it


class RunConfig(BaseModel):
    """One run's settings. Frozen, compared by value, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Model
    model: str = declare(
        "Model", "embedded/countdown", "Hub id, local folder, or an embedded model.",
        max_length=500,
    )  # fmt: skip
    method: MethodName = declare("Model", "grpo", "Training method.")
    engine: Literal["transformers", "vllm"] = declare(
        "Model", "transformers", "What samples completions during training.", methods=("rollouts",)
    )
    vllm_mode: Literal["colocate", "server"] = declare(
        "Model", "colocate", "vLLM inside the trainer or as a server beside it.",
        methods=("rollouts",), trl=True, advanced=True,
    )  # fmt: skip
    vllm_gpu_memory_utilization: float = declare(
        "Model", 0.3, "Share of the GPU's memory that vLLM takes.",
        methods=("rollouts",), trl=True, advanced=True, ge=0.01, le=0.99,
    )  # fmt: skip
    vllm_max_model_length: OrNone[int] = declare(
        "Model", None, "Most tokens of a prompt with its completion, in vLLM; empty: the model's.",
        methods=("rollouts",), trl=True, advanced=True, ge=1, le=10_000_000,
    )  # fmt: skip
    dtype: Literal["float32", "bfloat16", "auto"] = declare(
        "Model", "float32", "Precision of the base weights."
    )
    num_threads: OrNone[int] = declare(
        "Model", None,
        "CPU threads to compute with; empty: chosen at launch by the model's size and the load.",
        advanced=True, ge=1, le=1024,
    )  # fmt: skip

    # Prompts and rewards
    task: str = declare(
        "Prompts and rewards", "countdown", "Built-in task, or 'custom'.", max_length=200
    )
    prompt_set: OrNone[str] = declare(
        "Prompts and rewards", None, "Stored prompt set; empty: the task's own prompts."
    )
    reward_set: OrNone[str] = declare(
        "Prompts and rewards", None, "Stored reward set; empty: the task's own rewards."
    )
    num_prompts: int = declare(
        "Prompts and rewards", 4000, "Training prompts to draw from the task.", ge=1, le=100_000
    )
    num_validation_prompts: int = declare(
        "Prompts and rewards", 64, "Validation prompts, never trained on.", ge=0, le=10_000
    )
    gold_column: OrNone[str] = declare(
        "Prompts and rewards", None,
        "Column with the completions to learn from; empty: the chat's last turn, or what the task "
        "writes.",
        methods=("examples",), max_length=200,
    )  # fmt: skip
    gold_reasoning: bool = declare(
        "Prompts and rewards", True,
        "Learn the reasoning (<think>) of the examples too; off: their answers alone.",
        methods=("examples",),
    )  # fmt: skip

    # Generation
    num_generations: int = declare(
        "Generation", 8, "Completions per prompt: the size of a group.",
        methods=("rollouts",), trl=True, ge=2, le=256,
    )  # fmt: skip
    max_completion_length: int = declare(
        "Generation", 80, "Longest completion, in tokens.", trl=("rollouts",), ge=1, le=65_536
    )
    temperature: float = declare(
        "Generation", 1.0, "Sampling temperature.", trl=("rollouts",), ge=0.001, le=5
    )
    top_p: float = declare(
        "Generation",
        1.0,
        "Nucleus sampling mass.",
        trl=("rollouts",),
        ge=0.001,
        le=1,
        advanced=True,
    )
    top_k: int = declare(
        "Generation", 0, "Keep the k likeliest tokens; 0: all.", trl=("rollouts",),
        ge=0, le=1_000_000, advanced=True,
    )  # fmt: skip

    # Policy update
    learning_rate: float = declare(
        "Policy update", 5e-4, "Peak learning rate.", trl=True, ge=1e-9, le=0.1
    )
    beta: float = declare(
        "Policy update", 0.001, "Weight of the KL term to the reference.",
        methods=("rollouts",), trl=True, ge=0, le=1,
    )  # fmt: skip
    reference: Literal["base", "stage_start"] = declare(
        "Policy update", "base",
        "What KL is measured to: the base model (adapter off), or the policy that this stage "
        "began with (what SFT or a fork's parent left).",
        methods=("rollouts",), advanced=True,
    )  # fmt: skip
    epsilon: float = declare(
        "Policy update", 0.2, "Clipping range of the ratio.",
        methods=("rollouts",), trl=True, ge=1e-6, lt=1,
    )  # fmt: skip
    epsilon_high: OrNone[float] = declare(
        "Policy update", None, "Upper clipping range; empty: epsilon.",
        methods=("rollouts",), trl=True, ge=1e-6, le=10, advanced=True,
    )  # fmt: skip
    num_iterations: int = declare(
        "Policy update", 1, "Updates per generation batch (mu in the paper).",
        methods=("rollouts",), trl=True, ge=1, le=16, advanced=True,
    )  # fmt: skip
    loss_type: Literal["grpo", "bnpo", "dr_grpo", "dapo"] = declare(
        "Policy update", "grpo", "How token losses are averaged.", methods=("grpo",), trl=True
    )
    scale_rewards: Literal["group", "batch", "none"] = declare(
        "Policy update", "group", "Divide advantages by the std of the group, the batch, or not.",
        methods=("grpo",), trl=True,
    )  # fmt: skip
    max_grad_norm: float = declare(
        "Policy update", 1.0, "Gradient clipping.", trl=True, ge=1e-4, le=1000, advanced=True
    )
    weight_decay: float = declare(
        "Policy update", 0.0, "AdamW's decay.", trl=True, ge=0, le=1, advanced=True
    )
    lr_scheduler_type: Literal["constant", "constant_with_warmup", "linear", "cosine"] = declare(
        "Policy update", "constant_with_warmup", "Learning rate schedule.", trl=True
    )
    warmup_steps: int = declare(
        "Policy update", 5, "Steps of warm-up.", trl=True, ge=0, le=1_000_000
    )

    # LoRA
    lora_r: int = declare("LoRA", 16, "Rank.", ge=1, le=1024)
    lora_alpha: int = declare(
        "LoRA", 32, "Scale: the update is multiplied by alpha / r.", ge=1, le=4096
    )
    lora_dropout: float = declare("LoRA", 0.0, "Dropout on the adapter's input.", ge=0, le=0.9)
    target_modules: Names = declare(
        "LoRA", ("all-linear",), "Layers that get an adapter; 'all-linear' for every linear layer."
    )

    # Schedule
    max_steps: int = declare("Schedule", 200, "Optimizer steps.", trl=True, ge=1, le=10_000_000)
    stages: Stages = declare(
        "Schedule", (),
        "Several methods one after the other, each from the adapter that the last one left: "
        "'sft 40 learning_rate=1e-4; grpo 160'. Empty: one method.",
        advanced=True,
    )  # fmt: skip
    per_device_train_batch_size: int = declare(
        "Schedule", 64, "Completions per forward pass and device.", trl=True, ge=1, le=16_384
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

    # Run
    name: str = declare(
        "Run", "", "A name for people; empty: made from task and model.", max_length=80
    )
    seed: int = declare("Run", 0, "Seed of everything random.", trl=True, ge=0, lt=2**31)
    reward_timeout: float = declare(
        "Run", 30.0, "Seconds one reward function may take for a batch.", ge=0.01, le=3600
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in_from_stages(cls, values: Any) -> Any:
        """Of a staged run, `max_steps` is the sum of its stages' and `method` that of the last."""
        if not isinstance(values, dict) or not values.get("stages"):
            return values
        stages = [Stage.model_validate(stage) for stage in read_stages(values["stages"])]
        total = sum(stage.max_steps for stage in stages)
        return {"max_steps": total, "method": stages[-1].method, **values, "stages": stages}

    @model_validator(mode="after")
    def _check_stages(self) -> Self:
        total = sum(stage.max_steps for stage in self.stages)
        if self.stages and total != self.max_steps:
            raise ValueError(f"max_steps is {self.max_steps}, the stages add up to {total}")
        if self.stages and self.method != self.stages[-1].method:
            raise ValueError(f"method is {self.method}, the last stage is {self.stages[-1].method}")
        for stage in self.stages:
            for name in stage.settings:
                if name not in stage_settings(get_method(stage.method)):
                    raise ValueError(f"'{name:.100}' is no setting of a stage with {stage.method}")
        read = tuple(
            stage.model_copy(
                update={"settings": {name: getattr(plan.config, name) for name in stage.settings}}
            )
            for stage, plan in zip(self.stages, self.plan_stages(), strict=False)
        )
        self.__dict__["stages"] = read  # frozen for others: text has become each field's own type
        return self

    @property
    def generation_batch_size(self) -> int:
        """Completions sampled per step on one device: prompts x num_generations."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps

    def plan_stages(self) -> Iterator[StagePlan[RunConfig]]:
        """Each stage with the settings that hold in it; a run without stages is one."""
        if not self.stages:
            yield StagePlan(0, self, 0)
        first_step = 0
        for number, stage in enumerate(self.stages):
            own = {"method": stage.method, "max_steps": stage.max_steps, "stages": ()}
            config = type(self)(**{**self.model_dump(), **own, **stage.settings})
            yield StagePlan(number, config, first_step)
            first_step += stage.max_steps

    @property
    def methods(self) -> tuple[Method, ...]:
        """The methods of the run's stages, each once."""
        names = [stage.method for stage in self.stages] or [self.method]
        return tuple(get_method(name) for name in dict.fromkeys(names))

    @property
    def method_titles(self) -> tuple[str, ...]:
        """What people call the method of each stage, in order."""
        return tuple(get_method(part.method).title for part in self.stages or (self,))


def uses(method: Method, field: str) -> bool:
    """Whether that method reads that setting."""
    return bool({method.name, method.family} & set(extra_of(field)["methods"]))


def trl_settings(method: Method) -> tuple[str, ...]:
    """The settings that are arguments of TRL's trainer for that method, name for name."""
    own = {method.name, method.family}
    return tuple(
        name
        for name in RunConfig.model_fields
        if own & set(extra_of(name)["trl"]) and uses(method, name)
    )


def stage_settings(method: Method) -> tuple[str, ...]:
    """What a stage with that method may set for itself."""
    return tuple(
        name
        for name in RunConfig.model_fields
        if extra_of(name)["group"] in STAGE_GROUPS
        and name not in ("max_steps", "stages")
        and uses(method, name)
    )


def extra_of(field: str) -> dict[str, Any]:
    """What was declared of a field beside its type and bounds: group, advanced, methods, trl."""
    extra = RunConfig.model_fields[field].json_schema_extra
    assert isinstance(extra, dict)
    return extra
