"""How completions are sampled: in training, validation, dry runs, chat and evaluation alike."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rft_core.config.fields import SAMPLING, Names, Options, declare
from rft_core.config.settings.frozen import Frozen

MOST_STOP_STRINGS = 20
LONGEST_STOP_STRING = 200  # characters


class GenerationKwargs(BaseModel):
    """What `generation_kwargs` may hold, by transformers' names."""

    model_config = ConfigDict(extra="forbid")

    min_new_tokens: int = Field(0, ge=0, le=65_536)
    no_repeat_ngram_size: int = Field(0, ge=0, le=1000)
    suppress_tokens: list[Annotated[int, Field(ge=0)]] = Field([], max_length=10_000)


def _check_stop_strings(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(texts) > MOST_STOP_STRINGS:
        raise ValueError(f"there may be {MOST_STOP_STRINGS}, and these are {len(texts)}")
    if not all(0 < len(text) <= LONGEST_STOP_STRING for text in texts):
        raise ValueError(f"each has 1 to {LONGEST_STOP_STRING} characters")
    return texts


def _check_kwargs(values: dict[str, Any]) -> dict[str, Any]:
    try:
        read = GenerationKwargs.model_validate(values)
    except ValidationError as error:
        raise ValueError(_explain(error)) from error
    return read.model_dump(exclude_unset=True)


def _explain(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = str(first["loc"][0])
    if first["type"] != "extra_forbidden":
        return f"{name}: {first['msg']}"
    if name in GenerationSettings.model_fields:
        return f"'{name}' is a setting of its own"
    return f"'{name:.100}' is not among {', '.join(GenerationKwargs.model_fields)}"


class GenerationSettings(Frozen):
    num_generations: int = declare(
        "Generation", 8, "Completions per prompt: the size of a group.",
        methods=SAMPLING, trl=("rollouts",), ge=1, le=256,
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
    min_p: float = declare(
        "Generation", 0.0, "Keep tokens at least so likely as this share of the likeliest; 0: all.",
        trl=("rollouts",), ge=0, le=1, advanced=True,
    )  # fmt: skip
    repetition_penalty: float = declare(
        "Generation", 1.0,
        "Above 1: tokens that the prompt or the completion has already are made less likely.",
        trl=("rollouts",), ge=0.1, le=10, advanced=True,
    )  # fmt: skip
    stop_strings: Annotated[Names, AfterValidator(_check_stop_strings)] = declare(
        "Generation", (),
        'Texts that end a completion, and stay in it: </answer>, or as JSON ["\\n\\n", "a, b"].',
        advanced=True,
    )  # fmt: skip
    generation_kwargs: Annotated[Options, AfterValidator(_check_kwargs)] = declare(
        "Generation", {},
        "More of transformers' own: min_new_tokens=3, no_repeat_ngram_size=4, or as JSON "
        '{"suppress_tokens": [13]}.',
        advanced=True,
    )  # fmt: skip
