"""Token by token to text, without half characters: what a stream may show so far.

A byte-level tokenizer spreads one emoji over several tokens, and a tokenizer of the sentencepiece
family decides about a space by looking at the token before. So each step decodes a short window and
holds back what ends in the middle of a character.
"""

from __future__ import annotations

from typing import Any

REPLACEMENT = "\ufffd"  # what an unfinished character decodes to


class TextDeltas:
    """Turns a growing list of token ids into text that is only ever appended to."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._token_ids: list[int] = []
        self._window = 0  # where the decoded window starts
        self._shown = 0  # tokens before this one have been given out as text

    def add(self, *token_ids: int) -> str:
        """The text that these tokens complete; empty while a character is unfinished."""
        self._token_ids += token_ids
        return self._release(is_last=False)

    def finish(self) -> str:
        """What was held back, unfinished characters included."""
        return self._release(is_last=True)

    def _release(self, is_last: bool) -> str:
        before = self._decode(self._token_ids[self._window : self._shown])
        after = self._decode(self._token_ids[self._window :])
        if after.endswith(REPLACEMENT) and not is_last:
            return ""
        self._window, self._shown = self._shown, len(self._token_ids)
        return after[len(before) :]

    def _decode(self, token_ids: list[int]) -> str:
        return str(self._tokenizer.decode(token_ids, skip_special_tokens=True))
