"""The answer that a completion states, spelled so that equal answers are equal: votes count these.

What a program computes is known from the grader that ran it (`Grade.answer`); all else is read in
the text.
"""

from __future__ import annotations

from functools import lru_cache

from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.completion_text import from_anywhere
from rft_core.store.evaluations import JudgedSample


def read_answer(sample: JudgedSample) -> str | None:
    """None where it answers nothing: no text that says so, or a program that failed."""
    return read_stated_answer(sample.text) if sample.answer is None else sample.answer or None


def read_stated_answer(completion: str) -> str | None:
    """`72`, `72.0` and `$72` are one answer; other texts are one where their words are."""
    text = from_anywhere(completion).text
    return None if text is None else _spell(text)


@lru_cache(maxsize=10_000)
def _spell(text: str) -> str | None:
    """Many samples say the same."""
    number = parse_number(text)
    if number is not None:
        return str(number)
    return " ".join(text.casefold().split()) or None
