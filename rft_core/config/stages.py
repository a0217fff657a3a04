"""Stages: several methods one after the other in one run, on one count of steps.

Written as YAML (`stages: [{method: sft, max_steps: 40, settings: {learning_rate: 1e-4}}, ...]`), as
one line of text (`sft 40 learning_rate=1e-4; grpo 160`), or by the name of a recipe. Steps may be
said as epochs (`sft 2epochs; grpo 160`): they are counted at launch. A stage begins with the
policy that the ones before it left.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from rft_core.config.methods import get_method
from rft_core.config.written import write_packed
from rft_core.errors import NotFoundError

MOST_STAGES = 20
NOT_COUNTED = 1  # steps of a stage in epochs, until it is launched
EPOCHS = re.compile(r"(\d+(?:\.\d+)?)epochs?")

# Names for stages that are often wanted together. The lengths are a beginning: change them. What
# learns from rewards after another policy is held to that one: the base, which was to be left
# behind, would pull it back. SFT's two epochs and Offline-ST's twenty are those of ReFT's paper. In
# RLHF the score is looked at for ten steps before it drives.
RECIPES: dict[str, str] = {
    "sft_grpo": "sft 2epochs; grpo 160 reference=stage_start",
    "sft_offline_st": "sft 2epochs; offline_st 20epochs",
    "sft_online_st": "sft 2epochs; online_st 160",
    "offline_st_grpo": "offline_st 60; grpo 160 reference=stage_start",
    "reft": "sft 2epochs; ppo 160 reference=stage_start",
    "rlhf": "reward_model 60; ppo 140 reward_model_observed_steps=10",
}


class Stage(BaseModel):
    """One method for so many steps, with the settings that differ from the run's own.

    Where these name `num_train_epochs`, a launch puts the steps in place of `max_steps`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(max_length=100)
    max_steps: int = Field(NOT_COUNTED, ge=1, le=10_000_000)
    settings: dict[str, Any] = Field(default_factory=dict)


ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True)
class StagePlan(Generic[ConfigT]):
    """A stage as it will be trained: `config` has no stages; `first_step` steps lie before it."""

    number: int
    config: ConfigT
    first_step: int


def read_stages(value: Any) -> tuple[Any, ...]:
    """What people write, as mappings for `Stage`. Raises ValueError with the place."""
    if isinstance(value, str):
        text = RECIPES.get(value.strip(), value)
        value = [_read_stage(part) for part in text.split(";") if part.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError("stages are a list of {method, max_steps, settings}")
    if len(value) > MOST_STAGES:
        raise ValueError(f"a run has at most {MOST_STAGES} stages")
    for stage in value:
        name = stage.get("method") if isinstance(stage, Mapping) else None
        if isinstance(name, str):
            _check_method(name)
        if isinstance(stage, Mapping) and not _has_length(stage):
            raise ValueError(f"a stage with {name} needs max_steps, or num_train_epochs")
    return tuple(value)


def write_stages(stages: tuple[Stage, ...]) -> str:
    """One line of text that `read_stages` reads back."""
    lines = []
    for stage in stages:
        said = dict(stage.settings)
        length = str(stage.max_steps)
        if stage.max_steps == NOT_COUNTED and said.get("num_train_epochs"):
            length = write_epochs(said.pop("num_train_epochs"))
        settings = (f"{name}={write_packed(value)}" for name, value in said.items())
        lines.append(" ".join([stage.method, length, *settings]))
    return "; ".join(lines)


def write_epochs(count: Any) -> str:
    """A stage's length: 2epochs, 1epoch, 0.5epochs."""
    return f"{float(count):.10g}epoch{'' if float(count) == 1 else 's'}"


def _read_stage(text: str) -> dict[str, Any]:
    method, *rest = text.split()
    settings = dict(word.split("=", 1) for word in rest[1:] if "=" in word)
    if not rest or len(settings) != len(rest) - 1:
        raise ValueError(
            "a stage is written as: method steps setting=value setting=value; or stages are the "
            f"name of a recipe: {', '.join(RECIPES)}"
        )
    if epochs := EPOCHS.fullmatch(rest[0]):
        settings["num_train_epochs"] = epochs[1]
        rest[0] = str(NOT_COUNTED)
    return {"method": method, "max_steps": rest[0], "settings": settings}


def _has_length(stage: Mapping[Any, Any]) -> bool:
    settings = stage.get("settings")
    in_epochs = isinstance(settings, Mapping) and settings.get("num_train_epochs")
    return "max_steps" in stage or bool(in_epochs)


def _check_method(name: str) -> None:
    try:
        get_method(name)
    except NotFoundError as error:
        raise ValueError(f"{error.what}. {error.fix}") from error
