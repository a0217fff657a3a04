"""Which tokens end a completion: the one rule, for sampling, recording and every trainer."""

from __future__ import annotations

from typing import Any


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
