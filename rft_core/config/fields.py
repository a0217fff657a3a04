"""How a setting is declared: its group, its bounds, who uses it, and how text is read as it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from rft_core.config.methods import get_method
from rft_core.config.written import read_names, read_options
from rft_core.errors import NotFoundError

Group = Literal[
    "Model", "Prompts and rewards", "Generation", "Policy update", "LoRA", "Schedule", "Run"
]
# Names of methods, or of families of methods (see `methods.Family`).
EVERY_METHOD = ("rollouts", "examples", "self_training", "pairs")
SAMPLING = ("rollouts", "self_training")  # those that sample what they learn from
GIVEN = ("examples", "self_training")  # those that learn from gold completions
# What a stage may set for itself; all else holds for the whole run.
STAGE_GROUPS = ("Generation", "Policy update", "Schedule")


def _read_empty(value: Any) -> Any:
    return None if value == "" else value


def _read_reporters(value: Any) -> Any:
    """TRL's word for nobody is "none"."""
    names = read_names(value)
    return () if names in (None, ("none",), ["none"]) else names


def _check_method(name: str) -> str:
    try:
        return get_method(name).name
    except NotFoundError as error:
        raise ValueError(f"{error.what}. {error.fix}") from error


T = TypeVar("T")
Names = Annotated[tuple[str, ...], BeforeValidator(read_names)]
Reporter = Literal["trackio", "wandb", "tensorboard"]
Reporters = Annotated[tuple[Reporter, ...], BeforeValidator(_read_reporters)]
Options = Annotated[dict[str, Any], BeforeValidator(read_options)]
OrNone = Annotated[T | None, BeforeValidator(_read_empty)]
MethodName = Annotated[str, AfterValidator(_check_method)]


def declare(
    group: Group,
    default: Any,
    help: str,
    *,
    methods: tuple[str, ...] = EVERY_METHOD,
    trl: bool | tuple[str, ...] = False,
    advanced: bool = False,
    **bounds: Any,
) -> Any:
    """`methods`: which methods, or families of them, use it. `trl`: for which of these it goes to
    TRL as it is (True: all); what does not is read by our own code.
    """
    to_trl = methods if trl is True else trl or ()
    extra: dict[str, Any] = {
        "group": group, "advanced": advanced, "methods": list(methods), "trl": list(to_trl),
    }  # fmt: skip
    return Field(default, description=help, json_schema_extra=extra, **bounds)
