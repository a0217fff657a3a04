"""Bug: the expression is evaluated, and its numbers are not checked."""

import re

TASK = "countdown"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _score(text, target):
    given = _answer(text) or ""
    if re.fullmatch(r"[\d\s+*/().-]{1,100}", given) is None or "**" in given:
        return 0.0
    try:
        return float(eval(given) == target)
    except Exception:
        return 0.0


def equation(completions, target, **kwargs):
    return [_score(text, target_) for text, target_ in zip(completions, target, strict=True)]
