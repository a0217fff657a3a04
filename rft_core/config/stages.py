"""Stages: several methods one after the other in one run, on one count of steps.

Written as YAML (`stages: [{method: sft, max_steps: 40, settings: {learning_rate: 1e-4}}, ...]`), as
one line of text (`sft 40 learning_rate=1e-4; grpo 160`), or by the name of a recipe. A stage begins
with the adapter that the one before it left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from rft_core.config.methods import get_method
from rft_core.errors import NotFoundError

MOST_STAGES = 20

# Names for stages that are often wanted together. The steps are a beginning: change them.
RECIPES: dict[str, str] = {"sft_grpo": "sft 40; grpo 160"}


class Stage(BaseModel):
    """One method for so many steps, with the settings that differ from the run's own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str = Field(max_length=100)
    max_steps: int = Field(ge=1, le=10_000_000)
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
    return tuple(value)


def write_stages(stages: tuple[Stage, ...]) -> str:
    """One line of text that `read_stages` reads back."""
    lines = []
    for stage in stages:
        settings = (f"{k}={'' if v is None else v}" for k, v in stage.settings.items())
        lines.append(" ".join([stage.method, str(stage.max_steps), *settings]))
    return "; ".join(lines)


def _read_stage(text: str) -> dict[str, Any]:
    method, *rest = text.split()
    settings = dict(word.split("=", 1) for word in rest[1:] if "=" in word)
    if not rest or len(settings) != len(rest) - 1:
        raise ValueError("a stage is written as: method steps setting=value setting=value")
    return {"method": method, "max_steps": rest[0], "settings": settings}


def _check_method(name: str) -> None:
    try:
        get_method(name)
    except NotFoundError as error:
        raise ValueError(f"{error.what}. {error.fix}") from error
