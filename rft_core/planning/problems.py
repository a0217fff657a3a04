"""The rules between settings, each with a cure: a pure function of the settings and some facts.

Bounds of single fields are checked by `RunConfig` itself. What is reported here would stop the run
or spoil it silently; each problem names the field of `RunConfig` in `where`, says why, and offers
values that work. Facts about prompts, rewards and the model are gathered by `jobs.checks`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator

from rft_core.config import MOST_VLLM_RANK, RunConfig, get_method
from rft_core.hardware import GIB
from rft_core.planning.facts import ALL_LINEAR, EMBEDDING_MODULES, LaunchFacts
from rft_core.planning.method_problems import MORE_RULES
from rft_core.types import Problem

SEARCHED_ABOVE = 512  # a group has at most 256 completions


def find_problems(config: RunConfig, facts: LaunchFacts) -> list[Problem]:
    """Everything that would stop this run, in the order of the form. Empty: it can start."""
    rules = (
        _check_engine,
        _check_rank,
        _check_batches,
        _check_prompts,
        _check_lengths,
        _check_lora,
        _check_disk,
        *MORE_RULES,
    )
    return [problem for rule in rules for problem in rule(config, facts)]


def _check_engine(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    if config.engine != "vllm":
        return
    if not facts.is_vllm_installed:
        yield Problem(
            "engine", "error", "engine", "vLLM is not installed here",
            "Use engine=transformers, or install it: pip install -r requirements-gpu.txt",
        )  # fmt: skip
    elif config.vllm_mode == "colocate" and not facts.hardware.gpus:
        yield Problem(
            "engine", "error", "engine", "vLLM inside the trainer needs a GPU, and there is none",
            "Use engine=transformers, or vllm_mode=server with a server elsewhere",
        )  # fmt: skip


def _check_rank(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    """vLLM refuses a higher rank when it loads the adapter: in training, chat and evaluation."""
    if config.engine == "vllm" and config.lora_r > MOST_VLLM_RANK:
        yield Problem(
            "rank",
            "error",
            "lora_r",
            f"vLLM loads adapters of rank {MOST_VLLM_RANK} at most, and this is {config.lora_r}",
            f"Use lora_r={MOST_VLLM_RANK} or less, or engine=transformers",
        )


def _check_batches(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    """Whole groups are sampled only: batches must be multiples of the group's size."""
    batch, group = config.generation_batch_size, config.num_generations
    method = get_method(config.method)
    needs_two = "groups" in method.needs and method.family == "rollouts"
    if needs_two and group < 2:
        yield Problem(
            "batches",
            "error",
            "num_generations",
            "A completion is held against the others of its group, and this is a group of one",
            "Use num_generations=2 or more",
        )
    elif method.family == "rollouts" and batch < 2:
        yield Problem(
            "batches",
            "error",
            "per_device_train_batch_size",
            "A step samples one completion, which can be held against nothing",
            "Use per_device_train_batch_size=2 or more",
        )
    if method.samples_each_step and batch % group:
        steps = config.gradient_accumulation_steps
        sizes = _nearest(config.per_device_train_batch_size, lambda size: size * steps % group == 0)
        yield Problem(
            "batches",
            "error",
            "per_device_train_batch_size",
            f"A step samples {config.per_device_train_batch_size} x {steps} = {batch} completions, "
            f"which are not whole groups of num_generations={group}",
            f"Use per_device_train_batch_size={_either(sizes)}, or num_generations="
            f"{_either(_nearest(group, lambda n: n >= 2 and batch % n == 0))}",
        )
    per_eval, group_eval = config.per_device_eval_batch_size, config.num_generations_eval
    if config.eval_steps and per_eval % group_eval:
        sizes = _nearest(per_eval, lambda size: size % group_eval == 0)
        yield Problem(
            "batches",
            "error",
            "per_device_eval_batch_size",
            f"{per_eval} is not a multiple of num_generations_eval={group_eval}",
            f"Use {_either(sizes)}",
        )


def _check_prompts(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    method = get_method(config.method)
    if method.family == "pairs":
        return  # the prompts are for validation; it learns from its pairs
    group = config.num_generations if method.samples_each_step else 1
    have, need = facts.num_train_prompts, config.generation_batch_size // group
    if have is None or have >= max(need, 1):
        return
    if have == 0:
        yield Problem(
            "prompts",
            "error",
            "prompt_set",
            "There are no training prompts",
            "Add prompts, or change the split",
        )
        return
    yield Problem(
        "prompts",
        "error",
        "num_prompts",
        f"A step needs {need} different prompts and there are only {have}",
        f"Use at least {need} prompts, or a smaller per_device_train_batch_size "
        f"({have * group} completions are {have} prompts)",
    )


def _check_lengths(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    window = facts.model.context_length if facts.model else None
    if window is None:
        return
    prompt = facts.longest_prompt or 0
    if prompt + config.max_completion_length <= window:
        return
    what = f"The longest prompt ({prompt} tokens) and max_completion_length"
    room = window - prompt
    cure = f"Use max_completion_length={room} or less" if room > 0 else "Shorten the prompts"
    yield Problem(
        "lengths",
        "error",
        "max_completion_length",
        f"{what if prompt else 'It'} = {prompt + config.max_completion_length} tokens, "
        f"more than the model's context of {window}",
        cure,
    )


def _check_lora(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    if not config.target_modules:
        yield Problem(
            "lora", "error", "target_modules", "No layer would get an adapter", f"Use {ALL_LINEAR}"
        )
        return
    if facts.model is None or ALL_LINEAR in config.target_modules:
        return
    known = (*facts.model.linear_modules, *EMBEDDING_MODULES)
    for name in config.target_modules:
        if name.rsplit(".", 1)[-1] in known:
            continue
        close = difflib.get_close_matches(name, known, n=1)
        meant = f"Did you mean {close[0]}? " if close else ""
        yield Problem(
            "lora",
            "error",
            "target_modules",
            f"{config.model} has no layer '{name}'",
            f"{meant}It has {', '.join(facts.model.linear_modules)}",
        )


def _check_disk(config: RunConfig, facts: LaunchFacts) -> Iterator[Problem]:
    if facts.needed_disk > facts.free_disk:
        yield Problem(
            "disk",
            "error",
            "save_total_limit",
            f"The run would write about {facts.needed_disk / GIB:.1f} GiB and "
            f"{facts.free_disk / GIB:.1f} GiB are free",
            "Free some space, raise save_steps, lower save_total_limit, or choose another folder "
            "with RFT_RUNS_DIR",
        )


def _nearest(value: int, fits: Callable[[int], bool]) -> list[int]:
    """The closest values that fit, below and above; there may be only one."""
    below = next((n for n in range(value - 1, 0, -1) if fits(n)), None)
    above = next((n for n in range(value + 1, 2 * value + SEARCHED_ABOVE) if fits(n)), None)
    return [n for n in (below, above) if n is not None]


def _either(values: list[int]) -> str:
    return " or ".join(str(value) for value in values)
