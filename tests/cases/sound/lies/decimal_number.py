"""The number as an exact decimal, and half a point for the form."""

import re
from decimal import Decimal

TASK = "word_problems"


def _answer(text):
    if text.count("<think>") != 1 or text.count("<answer>") != 1:
        return None
    form = r"<think>([^<]*)</think>\s*<answer>([^<]*)</answer>\s*"
    found = re.fullmatch(form, text)
    return found[2].strip() if found and found[1].strip() else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


WEIGHTS = {"form": 0.5}
NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,6})?")


def form(completions, **kwargs):
    return [float(_answer(text) is not None) for text in completions]


def _score(text, answer):
    given = _answer(text) or ""
    return float(NUMBER.fullmatch(given) is not None and Decimal(given) == Decimal(_gold(answer)))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
