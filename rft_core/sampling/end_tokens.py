"""Which tokens end a completion: the one rule, for sampling, recording and every trainer."""

from __future__ import annotations

from typing import Any

from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_text


def get_end_tokens(model: Any, tokenizer: Any) -> frozenset[int]:
    """What the model's generation config declares, and the tokenizer's own end token.

    Chat models often end their turn with another token than the tokenizer's eos, so both count, as
    they do in TRL and in `generate`. A padding token ends nothing unless it is one of these: a
    model that writes it goes on.
    """
    config = getattr(model, "generation_config", None)
    declared = config.eos_token_id if config else None
    listed = declared if isinstance(declared, list) else [declared]
    return frozenset(int(token) for token in [*listed, tokenizer.eos_token_id] if token is not None)


def find_end_token(tokenizer: Any, end_tokens: frozenset[int]) -> int:
    """The token that ends an answer in the chat template; without one, the tokenizer's own."""
    turn = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    if tokenizer.chat_template:
        try:
            text = render_text(tokenizer, turn, prompt=False)
        except BadInputError:  # some want a system message first
            text = ""
        for token in reversed(tokenizer(text, add_special_tokens=False)["input_ids"]):
            if token in end_tokens:
                return int(token)
    return int(tokenizer.eos_token_id)
