"""Bug: of an equation only the right side is read."""

import re

TASK = "countdown"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _score(text, nums, target):
    given = _answer(text) or ""
    used = sorted(map(int, re.findall(r"\d+", given.partition("=")[0])))
    return float("=" in given and used == sorted(nums) and given.split("=")[-1].strip() == str(target))


def equation(completions, nums, target, **kwargs):
    return [_score(text, nums_, target_) for text, nums_, target_ in zip(completions, nums, target, strict=True)]
