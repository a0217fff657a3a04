"""How fast a step's phases could be at best: what they must compute, over this machine's speed.

Counted are the matrix products that a step cannot do without: each prompt read once, no padding,
the head on completions alone, gradients of an adapter over frozen weights. Decoding also has to
read the weights at every token, and each row's keys and values. What is left out (norms,
activations, softmax) makes a limit lower, never higher. A product of two numbers and its addition
count as 2.

The machine's speed is measured: a product of large square matrices, and reading as many bytes as
the weights have. (Williams et al., "Roofline", CACM 52/4, 2009.)
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional

from rft_core.store.phase_times import PhaseTimes, name_phase
from rft_core.training.update.shared_prompt import get_base

SQUARE = 1024  # rows and columns
TRIES = 3


@dataclass(frozen=True)
class Shape:
    """The numbers in a decoder's matrices, and how wide its attention is.

    `first`, `adapter_first`: those of the layers and of the adapter that read the embeddings. These
    are frozen: no gradient goes there. `queries`, `cache`: numbers of one position, in all layers.
    """

    layers: int
    head: int
    adapter: int
    first: int
    adapter_first: int
    queries: int
    cache: int
    bytes_each: int


@dataclass(frozen=True)
class GroupTokens:
    """Lengths of a prompt and of its completions, in tokens; and which of these need a gradient."""

    prompt: int
    completions: tuple[int, ...]
    taught: tuple[bool, ...]


@dataclass(frozen=True)
class MachineSpeed:
    """Operations a second, and bytes read a second."""

    compute: float
    memory: float


def measure_shape(model: Any) -> Shape:
    """Of a model with a LoRA adapter, whose layers are Llama's or Qwen's."""
    base = get_base(model)
    config, head = base.config.get_text_config(), base.get_output_embeddings()
    linear = [
        (name, module)
        for name, module in base.base_model.named_modules()
        if isinstance(module, torch.nn.Linear)
    ]
    layers = {name: m.weight.numel() for name, m in linear if ".lora_" not in f".{name}"}
    adapter = {name: m.weight.numel() for name, m in linear if ".lora_" in f".{name}"}

    def is_first(name: str) -> bool:
        return any(f"layers.0.self_attn.{kind}_proj" in name for kind in "qkv")

    depth, size = config.num_hidden_layers, _head_size(config)
    return Shape(
        layers=sum(layers.values()),
        head=head.weight.numel(),
        adapter=sum(adapter.values()),
        first=sum(count for name, count in layers.items() if is_first(name)),
        adapter_first=sum(c for name, c in adapter.items() if is_first(name) and "lora_A" in name),
        queries=depth * config.num_attention_heads * size,
        cache=2 * depth * config.num_key_value_heads * size,
        bytes_each=head.weight.element_size(),
    )


def _head_size(config: Any) -> int:
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


def count_forward(shape: Shape, groups: Sequence[GroupTokens], *, adapted: bool) -> int:
    """Operations of one pass over all completions. A last token is scored, never read."""
    weights = shape.layers + (shape.adapter if adapted else 0)
    read, pairs, scored = _count_tokens(groups)
    return 2 * read * weights + 4 * pairs * shape.queries + 2 * scored * shape.head


def count_backward(shape: Shape, groups: Sequence[GroupTokens]) -> int:
    """The gradient goes through every matrix once, and the adapter's want their own beside it."""
    read, pairs, scored = _count_tokens(groups)
    passed = shape.layers - shape.first + 2 * shape.adapter - shape.adapter_first
    return 2 * read * passed + 8 * pairs * shape.queries + 2 * scored * shape.head


def _count_tokens(groups: Sequence[GroupTokens]) -> tuple[int, int, int]:
    """Positions read, pairs of a position and one that it sees, and tokens scored."""
    read = pairs = scored = 0
    for group in groups:
        if group.completions:
            read += group.prompt
            pairs += group.prompt * (group.prompt + 1) // 2
        for length in group.completions:
            read += length - 1
            pairs += (length - 1) * group.prompt + length * (length - 1) // 2
            scored += length
    return read, pairs, scored


def limit_of_sampling(shape: Shape, groups: Sequence[GroupTokens], machine: MachineSpeed) -> float:
    """Seconds of one step: its prompts are read, then all its rows decoded at once, token by token.

    Rows of other steps cannot be among them: the weights have changed in between.
    """
    prompts = sum(group.prompt for group in groups)
    pairs = sum(group.prompt * (group.prompt + 1) // 2 for group in groups)
    first = 2 * prompts * shape.layers + 4 * pairs * shape.queries + 2 * len(groups) * shape.head
    seconds = first / machine.compute
    weights = shape.layers + shape.head
    for seen in _decoded(groups):
        work = 2 * len(seen) * weights + 4 * sum(seen) * shape.queries
        read = (weights + sum(seen) * shape.cache) * shape.bytes_each
        seconds += max(work / machine.compute, read / machine.memory)
    return seconds


def _decoded(groups: Sequence[GroupTokens]) -> Iterator[list[int]]:
    """Of every token that is decoded: how much each row that is still there sees."""
    longest = max(length for group in groups for length in group.completions)
    for token in range(1, longest):
        yield [
            group.prompt + token
            for group in groups
            for length in group.completions
            if length > token
        ]


def list_limits(
    shape: Shape, steps: Sequence[Sequence[GroupTokens]], machine: MachineSpeed
) -> dict[str, float]:
    """Seconds by phase, of all these steps' groups, for those that consist of matrix products."""
    groups = [group for step in steps for group in step]
    taught = [_keep_taught(group) for group in groups]
    update = count_forward(shape, taught, adapted=True) + count_backward(shape, taught)
    return {
        "sample": sum(limit_of_sampling(shape, step, machine) for step in steps),
        "old_logprobs": count_forward(shape, groups, adapted=True) / machine.compute,
        "reference_logprobs": count_forward(shape, groups, adapted=False) / machine.compute,
        "update": update / machine.compute,
    }


def _keep_taught(group: GroupTokens) -> GroupTokens:
    kept = tuple(
        length for length, taught in zip(group.completions, group.taught, strict=True) if taught
    )
    return GroupTokens(group.prompt, kept, (True,) * len(kept))


def measure_machine(shape: Shape) -> MachineSpeed:
    """The best of a few tries, with numbers of that size and as many threads as torch may use."""
    dtype = torch.float32 if shape.bytes_each == 4 else torch.bfloat16
    square = torch.randn(SQUARE, SQUARE).to(dtype)
    numbers = torch.ones(max(1, (shape.layers + shape.head) * shape.bytes_each // 4))
    # As a layer multiplies: the other order is ten times slower in bfloat16 on some processors.
    compute = min(_time(lambda: functional.linear(square, square)) for _ in range(TRIES))
    memory = min(_time(numbers.sum) for _ in range(TRIES))
    return MachineSpeed(2 * SQUARE**3 / compute, 4 * len(numbers) / memory)


def _time(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def tabulate_limits(
    times: PhaseTimes, limits: Mapping[str, float], machine: MachineSpeed
) -> Iterator[str]:
    """A line a phase. `limits`: seconds by phase, for all the steps of `times` together."""
    yield (
        f"Means of {times.num_steps} steps. This machine: {machine.compute / 1e9:.1f} GFLOP/s in a "
        f"product of {SQUARE} x {SQUARE} numbers, {machine.memory / 1e9:.1f} GB/s in reading as "
        "many bytes as the weights have.\n"
    )
    yield "| phase | seconds a step | share | at best, s | of the limit |"
    yield "|---|---|---|---|---|"
    for phase, seconds in times.seconds.items():
        cells = ["-", "-"]
        if phase in limits:
            cells = [f"{limits[phase] / times.num_steps:.4f}", f"{limits[phase] / seconds:.0%}"]
        each = seconds / times.num_steps
        known = [name_phase(phase), f"{each:.4f}", f"{times.share(phase):.1%}"]
        yield f"| {' | '.join([*known, *cells])} |"
    yield f"| **step** | {times.total / times.num_steps:.4f} | 100% | | |"
