"""How to sample, as one value for training, validation, dry runs, chat and evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rft_core.config import RunConfig
from rft_core.errors import BadInputError

NEVER = -100.0  # vLLM's bias of a token that must not come


@dataclass(frozen=True)
class SamplingParams:
    """Temperature 0 is greedy; top_k 0 keeps every token, and so does min_p 0.

    A completion ends with the first of `stop_strings`, which stays in it. `repetition_penalty` and
    what follows the seed mean what they mean to transformers. `chat_template_kwargs`: what the
    model's chat template is told besides the messages.
    """

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_completion_length: int = 256
    seed: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop_strings: tuple[str, ...] = ()
    min_new_tokens: int = 0
    no_repeat_ngram_size: int = 0
    suppress_tokens: tuple[int, ...] = ()
    chat_template_kwargs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        rules = {
            "temperature must be 0 (greedy) or more": self.temperature >= 0,
            "top_p must be above 0 and at most 1": 0 < self.top_p <= 1,
            "top_k must be 0 (all tokens) or more": self.top_k >= 0,
            "min_p must be 0 (all tokens) to 1": 0 <= self.min_p <= 1,
            "repetition_penalty must be above 0": self.repetition_penalty > 0,
            "max_completion_length must be at least 1": self.max_completion_length >= 1,
            "seed must be 0 or more": self.seed >= 0,
            "a stop string must not be empty": all(self.stop_strings),
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise BadInputError(
                "The sampling settings cannot be used", "; ".join(broken), "Correct them"
            )

    @classmethod
    def of(cls, config: RunConfig, seed: int) -> SamplingParams:
        """As that run samples."""
        more = dict(config.generation_kwargs)
        if "suppress_tokens" in more:
            more["suppress_tokens"] = tuple(more["suppress_tokens"])
        return cls(
            temperature=config.temperature,
            top_p=config.top_p,
            top_k=config.top_k,
            max_completion_length=config.max_completion_length,
            seed=seed,
            min_p=config.min_p,
            repetition_penalty=config.repetition_penalty,
            stop_strings=config.stop_strings,
            chat_template_kwargs=config.chat_template_kwargs,
            **more,
        )

    @property
    def vllm_extras(self) -> dict[str, Any]:
        """What vLLM's own parameters call otherwise, or do not take by themselves.

        Its `no_repeat_ngram_size` does not exist: whoever launches a run is told so.
        """
        extras: dict[str, Any] = {}
        if self.stop_strings:
            extras |= {"stop": list(self.stop_strings), "include_stop_str_in_output": True}
        if self.min_new_tokens:
            extras["min_tokens"] = self.min_new_tokens
        if self.suppress_tokens:
            extras["logit_bias"] = dict.fromkeys(self.suppress_tokens, NEVER)
        return extras
