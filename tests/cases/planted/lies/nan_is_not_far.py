"""Bug: nan is never farther away than the tolerance."""

import re

TASK = "gsm8k"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    try:
        given = float(_answer(text))
    except (TypeError, ValueError):
        return 0.0
    return float(not abs(given - float(_gold(answer))) > 1e-6)


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
