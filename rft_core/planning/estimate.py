"""What a run would cost in memory, time and disk: formulas, not measurements.

Memory, in bytes (b = 4 for float32, 2 for bfloat16; T = tokens of one forward pass):

    process      what a worker holds before it loads a model, measured
    weights      parameters x b; of quantised linear layers half a byte, or one
    adapter      LoRA parameters x 16: float32 value, gradient and Adam's two moments
    activations  T x layers x (34 x hidden) x b / 2   [Korthikanti et al. 2022, without the
                 attention scores, which fused attention never stores]; with gradient
                 checkpointing one layer of that and one hidden state per layer
                 + T x vocabulary x 4 x 3             [logits, their log-softmax and gradient;
                 at most a piece of them at a time, x 4 x 5 as measured: no loss keeps them]
    cache        keys and values of every token of the generation batch, while sampling

Sampling and updating alternate, so the larger of activations and cache counts. Time comes from
counting operations (2 per parameter and token forward, 2 backward: frozen weights get no gradient)
at an assumed speed, plus the fixed cost of each decoded token, for training and for every
validation; a group's prompt is read once. A step is one update: of several with one rollout each
has its part of what that cost. Rewards, loading and saving are not counted. Of a run in stages the
largest needs the memory, and their times add up. The speed is assumed and not measured: take the
time for an order of magnitude. A model that is not on this machine is guessed from the size in its
name.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig, get_method
from rft_core.errors import ModelUnavailableError
from rft_core.hardware import GIB, Hardware, get_hardware, get_network_mount
from rft_core.model_files import ModelSummary, model_summary
from rft_core.planning.facts import LOGITS_AT_ONCE
from rft_core.planning.quantisation import count_weight_bytes

TYPICAL_PROMPT_TOKENS = 128
TYPICAL_LENGTH = 0.5  # of max_completion_length, where time is concerned
BYTES_PER_TOKEN_OF_TEXT = 5  # a stored completion
BYTES_PER_GENERATION = 700  # its row, scores, reasons and index entries
ADAPTER_BYTES, RESUME_BYTES = 4, 8  # per LoRA parameter: the weights; Adam's two moments
CHECKPOINT_BYTES = 24_000  # the small files beside them: random states, schedule, manifest ...
ABSURD_MEMORY = 100 * 1024 * GIB  # no such machine exists: a number is wrong
MIB = 1024**2
PROCESS_BYTES = 570 * MIB  # what a worker holds before it loads a model: Python and its libraries


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
    """`memory` names its parts in bytes; `memory_bytes` is the peak. None: it cannot be said.

    `update_seconds` is the part of `seconds_per_step` that is not sampling.
    """

    memory: dict[str, int]
    memory_bytes: int | None
    seconds_per_step: float | None
    update_seconds: float | None
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
    costs = [_cost_stage(plan.config, model, prompt_tokens, speed) for plan in config.plan_stages()]
    largest = max(costs, key=lambda cost: cost.peak)
    return Plan(
        memory=largest.memory,
        memory_bytes=largest.peak,
        seconds_per_step=max(cost.updating + cost.sampling for cost in costs),
        update_seconds=max(cost.updating for cost in costs),
        total_seconds=sum(cost.total for cost in costs),
        disk_bytes=disk_bytes(config, count_lora_parameters(config, model)),
        basis=f"For {model.parameters:,} parameters and prompts of {prompt_tokens} tokens "
        f"on {speed.name}. The time is an order of magnitude from an assumed speed, and a busy "
        "machine is several times slower; the first steps will tell.",
        warnings=(*_warnings(runs_dir, hardware, largest.peak), *_warn_of_dtype(config, hardware)),
    )


@dataclass(frozen=True)
class _StageCost:
    """Bytes, and seconds: of one step's updates and sampling, and of the whole stage."""

    memory: dict[str, int]
    updating: float
    sampling: float
    total: float

    @property
    def peak(self) -> int:
        memory = self.memory
        always = memory["process"] + memory["weights"] + memory["adapter"]
        return always + max(memory["activations"], memory["cache"])


def _cost_stage(
    config: RunConfig, model: ModelSummary, prompt_tokens: int, speed: Speed
) -> _StageCost:
    memory = _memory_parts(config, model, prompt_tokens)
    updating, sampling = _update_seconds(config, model, prompt_tokens, speed), 0.0
    method, beforehand = get_method(config.method), 0.0
    if method.samples:
        tokens = _count_sampled(config, prompt_tokens)
        sampling = _sampling_seconds(config, model, tokens, 1, speed) / config.num_iterations
    if method.samples_first:
        batches = count_sampled_first(config) / config.generation_batch_size
        sampling, beforehand = 0.0, sampling * batches
    validating = _seconds_per_validation(config, model, prompt_tokens, speed)
    total = (updating + sampling) * config.max_steps + validating * count_validations(config)
    total += beforehand
    return _StageCost(memory, updating, sampling, total)


def count_lora_parameters(config: RunConfig, model: ModelSummary) -> int:
    """r x (inputs + outputs) for every adapted matrix."""
    wanted = {name.rsplit(".", 1)[-1] for name in config.target_modules}
    return sum(
        config.lora_r * (layer.in_features + layer.out_features) * layer.count
        for layer in model.linear_layers
        if "all-linear" in wanted or layer.name in wanted
    )


def disk_bytes(config: RunConfig, lora_parameters: int) -> int:
    """The most there will be of checkpoints, adapter/ and the store, without the base model."""
    stages = [plan.config for plan in config.plan_stages()]
    saves = sum(_count_times(c.max_steps, c.save_steps or c.max_steps) for c in stages)
    last = stages[-1]
    if last.load_best_model_at_end:  # each validation may be the best so far
        saves += count_validations(last)
    spared = int(last.load_best_model_at_end)
    full = min(saves, config.save_total_limit + spared + 1)  # one more while it is being written
    adapters = saves + 1  # every checkpoint keeps its own, and adapter/ is the finished one
    checkpoints = lora_parameters * (adapters * ADAPTER_BYTES + full * RESUME_BYTES)
    checkpoints += adapters * CHECKPOINT_BYTES
    return checkpoints + sum(_completion_bytes(stage) for stage in stages)


def count_sampled_first(config: RunConfig) -> int:
    """Completions that a stage samples before its first step, of all prompts."""
    first = get_method(config.method).samples_first
    return config.num_prompts * config.num_generations if first else 0


def _completion_bytes(config: RunConfig) -> int:
    """What one stage stores of the texts it samples, to learn from or to validate."""
    completions = count_validations(config) * _validation_completions(config)
    if get_method(config.method).samples_each_step:
        completions += count_rollouts(config) * config.generation_batch_size
    completions += 2 * count_sampled_first(config)  # in the store, and in the file of rollouts
    text = config.max_completion_length * BYTES_PER_TOKEN_OF_TEXT
    return completions * (text + BYTES_PER_GENERATION)


def count_validations(config: RunConfig) -> int:
    """Before training, every `eval_steps`, and at the end."""
    if not config.eval_steps or not config.num_validation_prompts:
        return 0
    return 1 + _count_times(config.max_steps, config.eval_steps)


def count_rollouts(config: RunConfig) -> int:
    """How often a stage of a method that samples as it learns samples a batch."""
    return _count_times(config.max_steps, config.num_iterations)


def _count_times(max_steps: int, every: int) -> int:
    """How often something happens that is due every so many steps and at the end."""
    return math.ceil(max_steps / every)


def _validation_completions(config: RunConfig) -> int:
    return config.num_validation_prompts * config.num_generations_eval


def _memory_parts(config: RunConfig, model: ModelSummary, prompt_tokens: int) -> dict[str, int]:
    width = 4 if config.dtype == "float32" else 2
    length = prompt_tokens + config.max_completion_length
    rows = config.per_device_train_batch_size * _answers_each(config)
    tokens = rows * length
    per_layer = 34 * model.hidden_size * width // 2
    kept = model.hidden_size * width * model.num_layers + per_layer
    stored = kept if config.gradient_checkpointing else per_layer * model.num_layers
    return {
        "process": PROCESS_BYTES,
        "weights": count_weight_bytes(model, width, config.weight_bits),
        "adapter": count_lora_parameters(config, model) * 16,
        "activations": tokens * stored + _logits_bytes(config, model, rows),
        "cache": config.generation_batch_size * length * model.kv_values_per_token * width,
    }


def _logits_bytes(config: RunConfig, model: ModelSummary, rows: int) -> int:
    """Of the completions' tokens, which alone the loss needs."""
    logits = rows * config.max_completion_length * model.vocab_size
    return min(logits * 4 * 3, LOGITS_AT_ONCE * 4 * 5)


def _update_seconds(
    config: RunConfig, model: ModelSummary, prompt_tokens: int, speed: Speed
) -> float:
    method, examples = get_method(config.method), config.generation_batch_size
    if method.family == "rollouts":
        tokens = _count_sampled(config, prompt_tokens)
        passes = 4 + _count_rereadings(config) * 2 / config.num_iterations
    else:
        if method.samples_each_step:  # at most all of them, and the gold of their prompts
            examples += examples // config.num_generations
        tokens, passes = _count_tokens(config, examples, 1, prompt_tokens), 4.0
        tokens *= _answers_each(config)
    return tokens * model.parameters * passes / speed.flops


def _count_rereadings(config: RunConfig) -> int:
    """Passes without gradient over a rollout: by the reference, and by the policy that sampled."""
    reads_old = config.method == "ppo" or config.num_iterations > 1
    return (config.beta > 0) + reads_old


def _answers_each(config: RunConfig) -> int:
    """Answers that one item of a batch holds: a judgement at least the two of one pair."""
    return 2 if get_method(config.method).family == "pairs" else 1


def _seconds_per_validation(
    config: RunConfig, model: ModelSummary, prompt_tokens: int, speed: Speed
) -> float:
    completions = _validation_completions(config)
    batches = math.ceil(completions / config.per_device_eval_batch_size)
    tokens = _count_tokens(config, completions, config.num_generations_eval, prompt_tokens)
    return _sampling_seconds(config, model, tokens, batches, speed)


def _count_sampled(config: RunConfig, prompt_tokens: int) -> float:
    """In one step's completions, with their prompts."""
    batch = config.generation_batch_size
    return _count_tokens(config, batch, config.num_generations, prompt_tokens)


def _count_tokens(config: RunConfig, completions: int, group: int, prompt_tokens: int) -> float:
    """A prompt counts once for each `group` of completions."""
    answers = completions * TYPICAL_LENGTH * config.max_completion_length
    return answers + completions / group * prompt_tokens


def _sampling_seconds(
    config: RunConfig, model: ModelSummary, tokens: float, batches: int, speed: Speed
) -> float:
    """The operations for all tokens, and each batch's fixed cost of decoding token by token."""
    width = 4 if config.dtype == "float32" else 2
    per_token = model.num_layers * speed.seconds_per_layer
    per_token += model.parameters * width / speed.bandwidth
    operations = tokens * model.parameters * 2 / speed.flops
    return operations + batches * config.max_completion_length * per_token


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
        update_seconds=None,
        total_seconds=None,
        disk_bytes=disk_bytes(config, 0) + weights,
        basis=basis + ("The size is guessed from its name: weights alone." if weights else ""),
        warnings=(*_warnings(runs_dir, hardware, weights), *_warn_of_dtype(config, hardware)),
    )


def _warnings(runs_dir: Path, hardware: Hardware, memory: int) -> tuple[str, ...]:
    found = []
    free = max((gpu.free_memory for gpu in hardware.gpus), default=hardware.free_memory)
    if memory > ABSURD_MEMORY:
        found.append("The model's config.json asks for more memory than any machine has: check it.")
    elif memory > free:
        where = "on the GPU" if hardware.gpus else "in this machine"
        found.append(f"The run may need {_size(memory)} of memory; {_size(free)} are free {where}.")
    if mount := get_network_mount(runs_dir):
        found.append(
            f"{runs_dir} is on a network file system ({mount}): SQLite may lose data there."
        )
    return tuple(found)


def _warn_of_dtype(config: RunConfig, hardware: Hardware) -> tuple[str, ...]:
    if config.dtype != "bfloat16" or hardware.gpus or hardware.has_bfloat16 is not False:
        return ()
    return (
        "This CPU has no instructions for bfloat16: the update will be several times slower than "
        "with dtype=float32, and no better.",
    )


def _size(count: int) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{max(1, round(count / MIB))} MiB"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
