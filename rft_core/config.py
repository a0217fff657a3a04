"""RunConfig: every hyperparameter of a run, declared once.

The form on the Train page, the YAML file and `--set key=value` are all drawn from this one class,
and it reads what people type: a name stays text even where it looks like a number, names are split
at commas, and an optional field left empty is None. Names of hyperparameters are TRL's own. Bounds
of single fields live here; rules between fields (divisibility, lengths, disk, target modules) live
in `planning`, which can offer a cure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from rft_core.errors import BadInputError

Group = Literal[
    "Model", "Prompts and rewards", "Generation", "Policy update", "LoRA", "Schedule", "Run"
]


def _split_names(value: Any) -> Any:
    """`q_proj, v_proj`, with or without brackets."""
    if not isinstance(value, str):
        return value
    parts = (part.strip(" '\"") for part in value.strip().strip("[]").split(","))
    return tuple(part for part in parts if part)


def _read_empty(value: Any) -> Any:
    return None if value == "" else value


T = TypeVar("T")
Names = Annotated[tuple[str, ...], BeforeValidator(_split_names)]
OrNone = Annotated[T | None, BeforeValidator(_read_empty)]


def _field(group: Group, default: Any, help: str, *, advanced: bool = False, **bounds: Any) -> Any:
    extra: dict[str, Any] = {"group": group, "advanced": advanced}
    return Field(default, description=help, json_schema_extra=extra, **bounds)


class RunConfig(BaseModel):
    """One run's settings. Frozen, compared by value, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # Model
    model: str = _field(
        "Model", "embedded/countdown", "Hub id, local folder, or an embedded model."
    )
    method: Literal["grpo"] = _field("Model", "grpo", "Training method.")
    engine: Literal["transformers", "vllm"] = _field(
        "Model", "transformers", "What samples completions during training."
    )
    vllm_mode: Literal["colocate", "server"] = _field(
        "Model", "colocate", "vLLM inside the trainer or as a server beside it.", advanced=True
    )
    dtype: Literal["float32", "bfloat16", "auto"] = _field(
        "Model", "float32", "Precision of the base weights."
    )

    # Prompts and rewards
    task: str = _field("Prompts and rewards", "countdown", "Built-in task, or 'custom'.")
    prompt_set: OrNone[str] = _field(
        "Prompts and rewards", None, "Stored prompt set; empty: the task's own prompts."
    )
    reward_set: OrNone[str] = _field(
        "Prompts and rewards", None, "Stored reward set; empty: the task's own rewards."
    )
    num_prompts: int = _field(
        "Prompts and rewards", 4000, "Training prompts to draw from the task.", ge=1, le=100_000
    )
    num_validation_prompts: int = _field(
        "Prompts and rewards", 64, "Validation prompts, never trained on.", ge=0, le=10_000
    )

    # Generation
    num_generations: int = _field(
        "Generation", 8, "Completions per prompt: the size of a group.", ge=2, le=256
    )
    max_completion_length: int = _field(
        "Generation", 80, "Longest completion, in tokens.", ge=1, le=65_536
    )
    temperature: float = _field("Generation", 1.0, "Sampling temperature.", gt=0, le=5)
    top_p: float = _field("Generation", 1.0, "Nucleus sampling mass.", gt=0, le=1, advanced=True)
    top_k: int = _field(
        "Generation", 0, "Keep the k likeliest tokens; 0: all.", ge=0, advanced=True
    )

    # Policy update
    learning_rate: float = _field("Policy update", 5e-4, "Peak learning rate.", gt=0, le=1)
    beta: float = _field(
        "Policy update", 0.001, "Weight of the KL term to the reference (adapter off).", ge=0, le=10
    )
    epsilon: float = _field("Policy update", 0.2, "Clipping range of the ratio.", gt=0, lt=1)
    epsilon_high: OrNone[float] = _field(
        "Policy update", None, "Upper clipping range; empty: epsilon.", gt=0, advanced=True
    )
    num_iterations: int = _field(
        "Policy update",
        1,
        "Updates per generation batch (mu in the paper).",
        ge=1,
        le=16,
        advanced=True,
    )
    loss_type: Literal["grpo", "bnpo", "dr_grpo", "dapo"] = _field(
        "Policy update", "grpo", "How token losses are averaged."
    )
    scale_rewards: Literal["group", "batch", "none"] = _field(
        "Policy update", "group", "Divide advantages by the std of the group, the batch, or not."
    )
    max_grad_norm: float = _field("Policy update", 1.0, "Gradient clipping.", gt=0, advanced=True)
    weight_decay: float = _field("Policy update", 0.0, "AdamW's decay.", ge=0, advanced=True)
    lr_scheduler_type: Literal["constant", "constant_with_warmup", "linear", "cosine"] = _field(
        "Policy update", "constant_with_warmup", "Learning rate schedule."
    )
    warmup_steps: int = _field("Policy update", 5, "Steps of warm-up.", ge=0)

    # LoRA
    lora_r: int = _field("LoRA", 16, "Rank.", ge=1, le=1024)
    lora_alpha: int = _field("LoRA", 32, "Scale: the update is multiplied by alpha / r.", ge=1)
    lora_dropout: float = _field("LoRA", 0.0, "Dropout on the adapter's input.", ge=0, lt=1)
    target_modules: Names = _field(
        "LoRA", ("all-linear",), "Layers that get an adapter; 'all-linear' for every linear layer."
    )

    # Schedule
    max_steps: int = _field("Schedule", 200, "Optimizer steps.", ge=1, le=10_000_000)
    per_device_train_batch_size: int = _field(
        "Schedule", 64, "Completions per forward pass and device.", ge=1
    )
    gradient_accumulation_steps: int = _field(
        "Schedule", 1, "Forward passes per optimizer step.", ge=1
    )
    gradient_checkpointing: bool = _field(
        "Schedule", False, "Trade compute for memory.", advanced=True
    )
    eval_steps: int = _field("Schedule", 20, "Validate every N steps; 0: never.", ge=0)
    num_generations_eval: int = _field(
        "Schedule", 1, "Completions per validation prompt.", ge=1, le=256, advanced=True
    )
    per_device_eval_batch_size: int = _field(
        "Schedule", 64, "Validation completions per forward pass.", ge=1, advanced=True
    )
    save_steps: int = _field("Schedule", 50, "Checkpoint every N steps; 0: only at the end.", ge=0)
    save_total_limit: int = _field(
        "Schedule", 2, "Full checkpoints kept for resuming; adapters of all are kept.", ge=1
    )

    # Run
    name: str = _field(
        "Run", "", "A name for people; empty: made from task and model.", max_length=80
    )
    seed: int = _field("Run", 0, "Seed of everything random.", ge=0, lt=2**31)
    reward_timeout: float = _field(
        "Run", 30.0, "Seconds one reward function may take for a batch.", gt=0, le=3600
    )

    @property
    def generation_batch_size(self) -> int:
        """Completions sampled per step on one device: prompts x num_generations."""
        return self.per_device_train_batch_size * self.gradient_accumulation_steps


PRESETS: dict[str, dict[str, Any]] = {
    "Countdown demo": {"name": "Countdown demo", "max_steps": 180},
    "Triton demo": {
        "name": "Triton demo",
        "model": "embedded/triton",
        "task": "triton_kernels-easy",
        "num_validation_prompts": 48,
        "max_completion_length": 104,
        "learning_rate": 1e-3,
        "max_steps": 80,
        "eval_steps": 10,
    },
    "small GPU": {
        "model": "Qwen/Qwen2.5-0.5B-Instruct",
        "dtype": "bfloat16",
        "max_completion_length": 512,
        "learning_rate": 1e-5,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 8,
        "gradient_checkpointing": True,
        "per_device_eval_batch_size": 8,
    },
    "one big GPU": {
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "engine": "vllm",
        "dtype": "bfloat16",
        "max_completion_length": 1024,
        "num_generations": 16,
        "learning_rate": 5e-6,
        "per_device_train_batch_size": 16,
        "gradient_accumulation_steps": 8,
        "gradient_checkpointing": True,
        "per_device_eval_batch_size": 16,
    },
}


def make_config(values: Mapping[str, Any]) -> RunConfig:
    """Validate; every mistake is named in one `BadInputError`, one sentence per field."""
    try:
        return RunConfig(**values)
    except ValidationError as error:
        raise BadInputError(
            "The configuration is not valid",
            "; ".join(_explain(problem) for problem in error.errors()),
        ) from error


def parse_yaml(text: str) -> dict[str, Any]:
    """The mapping in a YAML document; an empty one is an empty mapping."""
    try:
        values = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise BadInputError(
            "The configuration is not YAML", str(error).replace("\n", " ")
        ) from error
    if not isinstance(values, dict):
        raise BadInputError("The configuration must be a mapping of field: value")
    return values


def parse_assignments(assignments: list[str]) -> dict[str, str]:
    """`["beta=0.01", "name=2024"]` -> text by field, for `make_config` to read."""
    values = {}
    for text in assignments:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise BadInputError(f"'{text}' is not an assignment", "", "Write --set key=value")
        values[key] = value
    return values


def write_assignments(config: RunConfig) -> list[str]:
    """What differs from the defaults, as `parse_assignments` reads it."""
    return [
        f"{name}={','.join(value) if isinstance(value, list) else value}"
        for name, value in changed_fields(config).items()
    ]


def to_yaml(config: RunConfig) -> str:
    """All fields, in declaration order; `parse_yaml` + `make_config` gives the same config back."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def changed_fields(config: RunConfig) -> dict[str, Any]:
    """What differs from the defaults."""
    defaults = RunConfig().model_dump(mode="json")
    return {k: v for k, v in config.model_dump(mode="json").items() if v != defaults[k]}


def _explain(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"]) or "configuration"
    if problem["type"] == "extra_forbidden":
        return f"'{field}' is not a setting"
    return f"{field}: {problem['msg']} (got {problem.get('input')!r})"
