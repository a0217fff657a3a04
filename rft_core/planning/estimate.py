"""What a run would cost in memory, time and disk: formulas, not measurements.

Memory, in bytes (b = 4 for float32, 2 for bfloat16; T = tokens of one forward pass):

    weights      parameters x b
    adapter      LoRA parameters x 16: float32 value, gradient and Adam's two moments
    activations  T x layers x (34 x hidden) x b / 2   [Korthikanti et al. 2022, without the
                 attention scores, which fused attention never stores]; with gradient
                 checkpointing one layer of that and one hidden state per layer
                 + T x vocabulary x 4 x 3             [logits, their log-softmax and gradient]
    cache        keys and values of every token of the generation batch, while sampling

Sampling and updating alternate, so the larger of activations and cache counts. Time comes from
counting operations (2 per parameter and token forward, 4 backward) at an assumed speed, plus the
fixed cost of each decoded token; it is right within a factor of about three. A model that is not on
this machine is guessed from the size in its name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.errors import ModelUnavailableError
from rft_core.hardware import GIB, Hardware, get_hardware, get_network_mount
from rft_core.model_files import ModelSummary, model_summary

TYPICAL_PROMPT_TOKENS = 128
TYPICAL_LENGTH = 0.5  # of max_completion_length, where time is concerned
BYTES_PER_TOKEN_OF_TEXT = 5  # a stored completion
BYTES_PER_GENERATION = 700  # its row, scores, reasons and index entries
ADAPTER_BYTES, RESUME_BYTES = 4, 8  # per LoRA parameter: the weights; Adam's two moments
MIB = 1024**2


@dataclass(frozen=True)
class Speed:
    """Assumed sustained speed: operations and bytes per second, seconds per decoded layer."""

    name: str
    flops: float
    bandwidth: float
    seconds_per_layer: float


CPU_SPEED = Speed("one CPU thread", 40e9, 8e9, 2.5e-4)
GPU_SPEED = Speed("a data-centre GPU at 40% of its peak", 120e12, 1.2e12, 1e-4)


@dataclass(frozen=True)
class Plan:
    """`memory` names its parts in bytes; `memory_bytes` is the peak. None: it cannot be said."""

    memory: dict[str, int]
    memory_bytes: int | None
    seconds_per_step: float | None
    total_seconds: float | None
    disk_bytes: int
    basis: str
    warnings: tuple[str, ...]

    @property
    def memory_text(self) -> str:
        return _size(self.memory_bytes) if self.memory_bytes else "unknown"

    @property
    def time_text(self) -> str:
        return _duration(self.total_seconds) if self.total_seconds else "unknown"

    @property
    def disk_text(self) -> str:
        return _size(self.disk_bytes)


def estimate(
    config: RunConfig, runs_dir: Path, *, prompt_tokens: int = TYPICAL_PROMPT_TOKENS
) -> Plan:
    """The plan of a run on this machine. Never raises for a model that cannot be found."""
    hardware = get_hardware()
    speed = GPU_SPEED if hardware.gpus else CPU_SPEED
    try:
        model = model_summary(config.model)
    except ModelUnavailableError:
        model = None
    if model is None:
        return _plan_by_name(config, runs_dir, hardware)
    memory = _memory_parts(config, model, prompt_tokens)
    peak = memory["weights"] + memory["adapter"] + max(memory["activations"], memory["cache"])
    seconds = _seconds_per_step(config, model, prompt_tokens, speed)
    return Plan(
        memory=memory,
        memory_bytes=peak,
        seconds_per_step=seconds,
        total_seconds=seconds * config.max_steps,
        disk_bytes=disk_bytes(config, count_lora_parameters(config, model)),
        basis=f"For {model.parameters:,} parameters and prompts of {prompt_tokens} tokens "
        f"on {speed.name}. Time is right within a factor of three; the first steps will tell.",
        warnings=_warnings(runs_dir, hardware, peak),
    )


def count_lora_parameters(config: RunConfig, model: ModelSummary) -> int:
    """r x (inputs + outputs) for every adapted matrix."""
    wanted = {name.rsplit(".", 1)[-1] for name in config.target_modules}
    return sum(
        config.lora_r * (layer.in_features + layer.out_features) * layer.count
        for layer in model.linear_layers
        if "all-linear" in wanted or layer.name in wanted
    )


def disk_bytes(config: RunConfig, lora_parameters: int) -> int:
    """Checkpoints and the store; the base model's own download is not counted."""
    saves = config.max_steps // config.save_steps if config.save_steps else 1
    full = min(saves, config.save_total_limit) + 1  # one more while it is being written
    checkpoints = lora_parameters * (saves * ADAPTER_BYTES + full * RESUME_BYTES)
    completions = config.max_steps * config.generation_batch_size
    if config.eval_steps:
        validations = 1 + config.max_steps // config.eval_steps
        completions += validations * config.num_validation_prompts * config.num_generations_eval
    text = config.max_completion_length * BYTES_PER_TOKEN_OF_TEXT
    return checkpoints + completions * (text + BYTES_PER_GENERATION)


def _memory_parts(config: RunConfig, model: ModelSummary, prompt_tokens: int) -> dict[str, int]:
    width = 4 if config.dtype == "float32" else 2
    length = prompt_tokens + config.max_completion_length
    tokens = config.per_device_train_batch_size * length
    per_layer = 34 * model.hidden_size * width // 2
    kept = model.hidden_size * width * model.num_layers + per_layer
    stored = kept if config.gradient_checkpointing else per_layer * model.num_layers
    # Only the completion's logits are needed for the loss.
    logits = config.per_device_train_batch_size * config.max_completion_length * model.vocab_size
    return {
        "weights": model.parameters * width,
        "adapter": count_lora_parameters(config, model) * 16,
        "activations": tokens * stored + logits * 4 * 3,
        "cache": config.generation_batch_size * length * model.kv_values_per_token * width,
    }


def _seconds_per_step(
    config: RunConfig, model: ModelSummary, prompt_tokens: int, speed: Speed
) -> float:
    width = 4 if config.dtype == "float32" else 2
    completions = config.generation_batch_size
    tokens = completions * (prompt_tokens + TYPICAL_LENGTH * config.max_completion_length)
    passes = 6 * config.num_iterations + (2 if config.beta else 0)  # 2 more for the reference
    updating = tokens * model.parameters * passes / speed.flops
    sampling = tokens * model.parameters * 2 / speed.flops
    per_token = model.num_layers * speed.seconds_per_layer
    per_token += model.parameters * width / speed.bandwidth
    return updating + sampling + config.max_completion_length * per_token


def _plan_by_name(config: RunConfig, runs_dir: Path, hardware: Hardware) -> Plan:
    """Only the weights can be guessed for a model that is not here yet."""
    size = re.search(r"(\d+(?:\.\d+)?)\s*([bm])(?![a-z])", config.model, re.IGNORECASE)
    weights = 0
    if size:
        scale = {"b": 1e9, "m": 1e6}[size[2].lower()]
        weights = int(float(size[1]) * scale * (4 if config.dtype == "float32" else 2))
    basis = "The model is not on this machine yet: its layers are known only after the download. "
    return Plan(
        memory={"weights": weights} if weights else {},
        memory_bytes=weights or None,
        seconds_per_step=None,
        total_seconds=None,
        disk_bytes=disk_bytes(config, 0) + weights,
        basis=basis + ("The size is guessed from its name: weights alone." if weights else ""),
        warnings=_warnings(runs_dir, hardware, weights),
    )


def _warnings(runs_dir: Path, hardware: Hardware, memory: int) -> tuple[str, ...]:
    found = []
    free = max((gpu.free_memory for gpu in hardware.gpus), default=hardware.free_memory)
    if memory > free:
        where = "on the GPU" if hardware.gpus else "in this machine"
        found.append(f"The run may need {_size(memory)} of memory; {_size(free)} are free {where}.")
    if mount := get_network_mount(runs_dir):
        found.append(
            f"{runs_dir} is on a network file system ({mount}): SQLite may lose data there."
        )
    return tuple(found)


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{max(1, round(count / MIB))} MiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
