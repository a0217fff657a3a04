"""Bug: the numbers are checked, the target is not."""

import re

TASK = "countdown"


def equation(completions, nums, **kwargs):
    scores = []
    for text, numbers in zip(completions, nums):
        match = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        used = sorted(map(int, re.findall(r"\d+", match.group(1)))) if match else []
        scores.append(float(used == sorted(numbers)))
    return scores
