"""Bug: every number must be there; others may be there too."""

import re

TASK = "countdown"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _score(text, nums, target):
    given = _answer(text) or ""
    if re.fullmatch(r"[\d\s+*/().-]{1,100}", given) is None or "**" in given:
        return 0.0
    if not set(nums) <= set(map(int, re.findall(r"\d+", given))):
        return 0.0
    try:
        return float(eval(given) == target)
    except Exception:
        return 0.0


def equation(completions, nums, target, **kwargs):
    return [_score(text, nums_, target_) for text, nums_, target_ in zip(completions, nums, target, strict=True)]
