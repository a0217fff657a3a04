"""Epochs: a length said in passes over the training prompts becomes steps, once, at launch.

A run that has begun knows steps alone: what it shows, resumes and is forked by is `max_steps`. A
step of groups takes `generation_batch_size / num_generations` prompts, and takes each of its
batches `num_iterations` times; any other takes `generation_batch_size` of them. Prompts count
whether or not a method knows a gold completion for each; where a method learns from pairs, the
judgements that they come from count in their place.
"""

from __future__ import annotations

import math

from rft_core.config.methods import get_method
from rft_core.config.run_config import RunConfig, uses
from rft_core.config.stages import Stage


def has_epochs(config: RunConfig) -> bool:
    """Whether its length, or a stage's, is still said in epochs."""
    return any(plan.config.num_train_epochs is not None for plan in config.plan_stages())


def count_steps(config: RunConfig, num_items: int) -> int:
    """Steps of a run without stages: at least one, and the last one is whole."""
    assert config.num_train_epochs is not None
    items_per_step = config.generation_batch_size
    method = get_method(config.method)
    if method.samples_each_step:
        items_per_step = max(1, items_per_step // config.num_generations)
    reuses = config.num_iterations if uses(method, "num_iterations") else 1
    batches = config.num_train_epochs * num_items / items_per_step
    return max(1, math.ceil(batches - 1e-9)) * reuses


def settle_epochs(config: RunConfig, num_prompts: int, num_judgements: int = 0) -> RunConfig:
    """The same run in steps. `num_prompts`, `num_judgements`: those that it trains on."""
    if not has_epochs(config):
        return config
    values = config.model_dump() | {"num_train_epochs": None}
    if not config.stages:
        items, _ = _choose_items(config, num_prompts, num_judgements)
        return RunConfig(**values | {"max_steps": count_steps(config, items)})
    stages = []
    for stage, plan in zip(config.stages, config.plan_stages(), strict=True):
        steps = stage.max_steps
        if plan.config.num_train_epochs is not None:
            items, _ = _choose_items(plan.config, num_prompts, num_judgements)
            steps = count_steps(plan.config, items)
        settings = {k: v for k, v in stage.settings.items() if k != "num_train_epochs"}
        stages.append(Stage(method=stage.method, max_steps=steps, settings=settings))
    total = sum(stage.max_steps for stage in stages)
    return RunConfig(**values | {"stages": stages, "max_steps": total})


def describe_epochs(config: RunConfig, num_prompts: int, num_judgements: int = 0) -> str:
    """`2 epochs of 400 prompts = 100 steps`, for each part that is said so; empty for none."""
    parts = []
    for plan in config.plan_stages():
        epochs = plan.config.num_train_epochs
        if epochs is not None:
            what = f"{plan.config.method}: " if config.stages else ""
            items, noun = _choose_items(plan.config, num_prompts, num_judgements)
            steps = count_steps(plan.config, items)
            parts.append(
                f"{what}{_count(epochs, 'epoch')} of {_count(items, noun)} = "
                f"{_count(steps, 'step')}{_say_uncounted(plan.config)}"
            )
    return "; ".join(parts)


def _say_uncounted(config: RunConfig) -> str:
    """Of what is sampled before the first step, nobody knows at launch how much is learned."""
    is_more = get_method(config.method).samples_first
    return ", its own right completions not counted" if is_more else ""


def _choose_items(config: RunConfig, num_prompts: int, num_judgements: int) -> tuple[int, str]:
    if get_method(config.method).family == "pairs":
        return num_judgements, "judgement"
    return num_prompts, "prompt"


def _count(number: float, noun: str) -> str:
    return f"{number:g} {noun}{'' if number == 1 else 's'}"
