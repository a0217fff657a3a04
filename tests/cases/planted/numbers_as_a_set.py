"""Bug: which numbers are used is compared as a set, so that each may be used again and again."""

import re

TASK = "countdown"


def equation(completions, nums, target, **kwargs):
    scores = []
    for text, numbers, goal in zip(completions, nums, target):
        match = re.search(r"<answer>([\d+\-*/() ]+)</answer>", text)
        try:
            used = set(map(int, re.findall(r"\d+", match.group(1))))
            value = eval(match.group(1))
            scores.append(1.0 if used <= set(numbers) and abs(value - goal) < 1e-6 else 0.0)
        except Exception:
            scores.append(0.0)
    return scores
