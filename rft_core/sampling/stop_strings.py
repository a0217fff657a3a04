"""Texts that end a completion: the one rule, for sampling, recording and training.

Unlike an end token a text may begin in one token and end within another, so it is looked for in
what the last tokens decode to. It stays in the completion, with what its last token brings besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BEFORE = 2  # tokens more than a text can have: a tokenizer may drop the blank that it begins with


class StopStrings:
    """Whether tokens end with one of these texts; special tokens count as what they are called."""

    def __init__(self, tokenizer: Any, texts: Sequence[str]) -> None:
        self._tokenizer, self._texts = tokenizer, tuple(texts)
        # A token is a byte at least.
        self._width = BEFORE + max((len(text.encode()) for text in texts), default=0)

    def end(self, token_ids: Sequence[int]) -> bool:
        """Whether the last of these tokens completes one, where none was complete before."""
        if not self._texts or not token_ids:
            return False
        text = self._tokenizer.decode(token_ids[-self._width :], skip_special_tokens=False)
        return any(stop in text for stop in self._texts)
