"""Bug: a value beside the target is accepted."""

import re

TASK = "countdown"


def equation(completions, nums, target, **kwargs):
    scores = []
    for text, numbers, goal in zip(completions, nums, target):
        match = re.search(r"<answer>([\d+\-*/() ]+)</answer>", text)
        try:
            used = sorted(map(int, re.findall(r"\d+", match.group(1))))
            value = eval(match.group(1))
            scores.append(1.0 if used == sorted(numbers) and abs(value - goal) <= 5 else 0.0)
        except Exception:
            scores.append(0.0)
    return scores
