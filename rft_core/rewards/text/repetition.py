"""Repetition as a reward: full while few word sequences occur again, falling to 0 the more do.

The share of n-grams that occurred before, as in the repetition penalty of "Demystifying Long
Chain-of-Thought Reasoning in LLMs" (arXiv 2502.03373). Honest prose and sums repeat some trigrams:
that much is `allowed`. Text that says the same over and over without words (one endless line of
signs) is found by compression. An empty completion repeats nothing and still earns nothing.
"""

from __future__ import annotations

import re

from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import GraderInfo, GraderOption
from rft_core.rewards.text.format import has_visible_text, is_repetitive
from rft_core.types import Row

_WORD = re.compile(r"\w+|[^\w\s]")


def grade_repetition(completion: str, row: Row, *, n: int = 3, allowed: float = 0.2) -> Grade:
    """1 while at most the share `allowed` of the n-grams occurred before, then less, 0 at all."""
    if not has_visible_text(completion):
        return Grade(0.0, "The completion is empty.")
    if is_repetitive(completion):
        return Grade(0.0, "It says the same over and over.", ("repetition",))
    words = _WORD.findall(completion.casefold())
    total = len(words) - n + 1
    if total < 2:
        return Grade(1.0, "Too short to repeat itself.")
    distinct = len({tuple(words[start : start + n]) for start in range(total)})
    repeated = 1 - distinct / total
    score = 1.0 if repeated <= allowed else (1 - repeated) / (1 - allowed)
    return Grade(score, f"{repeated:.0%} of the sequences of {n} words occurred before.")


REPETITION = GraderInfo(
    "repetition",
    grade_repetition,
    "1 while the completion hardly repeats itself, falling to 0 the more it does.",
    (
        GraderOption(
            "n",
            "int",
            3,
            "Length of the word sequences that are compared.",
            minimum=1,
            maximum=100,
        ),
        GraderOption(
            "allowed",
            "float",
            0.2,
            "Share of repeated sequences with full score.",
            minimum=0,
            maximum=1,
        ),
    ),
)
