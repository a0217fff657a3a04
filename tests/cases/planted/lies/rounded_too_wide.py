"""Bug: a tolerance of a tenth, meant as a thousandth."""

import re

TASK = "gsm8k"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    try:
        given, gold = float(_answer(text)), float(_gold(answer))
    except (TypeError, ValueError):
        return 0.0
    return float(abs(given - gold) <= 0.1 * abs(gold))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
