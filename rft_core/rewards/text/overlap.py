"""Overlap: how many words and word sequences of the gold text the answer has. ROUGE and BLEU.

ROUGE-1, ROUGE-2 and ROUGE-L are F1 scores (Lin 2004, "ROUGE: A Package for Automatic Evaluation of
Summaries"); BLEU is the sentence score of up to 4-grams with add-one smoothing from bigrams on
(Papineni et al. 2002; Lin and Och 2004). Counts are clipped and precision counts, so that neither
repeating a word nor listing many pays. Sequences are never longer than the gold text, of which a
copy would score 0 else. Words are compared in lower case, without stemming. The word order of
ROUGE-1 is free, and no measure here knows what a sentence means.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from rapidfuzz.distance import LCSseq

from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import (
    COLUMN,
    THRESHOLD,
    WHOLE_EXTRACTION,
    GraderInfo,
    GraderOption,
)
from rft_core.types import Row

MOST_WORDS = 5_000
BLEU_ORDER = 4

_WORD = re.compile(r"\w+")

Words = Sequence[str]


def rouge_n(given: Words, gold: Words, n: int) -> float:
    """F1 of the n-grams that both texts have; n is at most the gold text's length, as in BLEU."""
    n = min(n, len(gold))
    ours, theirs = _ngrams(given, n), _ngrams(gold, n)
    return _f1((ours & theirs).total(), ours.total(), theirs.total())


def rouge_l(given: Words, gold: Words) -> float:
    """F1 of the longest common subsequence of words."""
    return _f1(LCSseq.similarity(given, gold), len(given), len(gold))


def bleu(given: Words, gold: Words) -> float:
    """Geometric mean of the n-gram precisions, times the penalty for being shorter than gold."""
    order = min(BLEU_ORDER, len(gold))
    logs = []
    for n in range(1, order + 1):
        ours = _ngrams(given, n)
        matched, total = (ours & _ngrams(gold, n)).total(), ours.total()
        smoothing = n > 1
        if not matched and not smoothing:
            return 0.0
        logs.append(math.log((matched + smoothing) / (total + smoothing)))
    brevity = min(0.0, 1 - len(gold) / len(given))
    return math.exp(brevity + sum(logs) / order)


def gleu(given: Words, gold: Words) -> float:
    """The smaller of precision and recall over all n-grams up to 4 (Wu et al. 2016, Google)."""
    sizes = range(1, BLEU_ORDER + 1)
    matched = sum((_ngrams(given, n) & _ngrams(gold, n)).total() for n in sizes)
    total = max(sum(max(len(words) - n + 1, 0) for n in sizes) for words in (given, gold))
    return matched / total if total else 0.0


MEASURES: dict[str, Callable[[Words, Words], float]] = {
    "rouge_1": partial(rouge_n, n=1),
    "rouge_2": partial(rouge_n, n=2),
    "rouge_l": rouge_l,
    "bleu": bleu,
    "gleu": gleu,
}


def grade_overlap(
    completion: str,
    row: Row,
    *,
    measure: str = "rouge_l",
    threshold: float = 0.0,
    column: str = "answer",
    extraction: str = "whole",
) -> Grade:
    """The measure from 0 to 1, or with a `threshold` 1 if it is reached and 0 if not."""
    gold = split_words(str(row.get(column) or ""))
    if not gold:
        return Grade(None, f"The row has no words in '{column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    given = split_words(answer.text)
    overlap = MEASURES[measure](given, gold) if given else 0.0
    name = measure.upper().replace("_", "-")
    if threshold:
        return Grade(float(overlap >= threshold), f"{name} {overlap:.2f}; {threshold:g} is wanted.")
    return Grade(overlap, f"{name} {overlap:.2f}.")


def split_words(text: str) -> list[str]:
    """Words in lower case, as all measures here compare them."""
    return _WORD.findall(text.casefold())[:MOST_WORDS]


def _ngrams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + n]) for start in range(len(words) - n + 1))


def _f1(matched: float, given: int, gold: int) -> float:
    return 2 * matched / (given + gold) if matched else 0.0


OVERLAP = GraderInfo(
    "overlap",
    grade_overlap,
    "How many words and word sequences of the gold text the answer has (ROUGE F1, BLEU).",
    (
        GraderOption("measure", "text", "rouge_l", "Which overlap is measured.", tuple(MEASURES)),
        THRESHOLD,
        COLUMN,
        WHOLE_EXTRACTION,
    ),
)
