"""Countdown with partial credit: 0.1 for the right numbers, 1 for the target too."""

import re

TASK = "countdown"


def equation(completions, nums, target, **kwargs):
    scores = []
    for text, numbers, goal in zip(completions, nums, target):
        match = re.search(r"<answer>\s*([\d+\-*/() ]+)\s*</answer>\s*$", text)
        if not match or re.search(r"[*/]\s*[*/]", match[1]):
            scores.append(0.0)
            continue
        if sorted(map(int, re.findall(r"\d+", match[1]))) != sorted(numbers):
            scores.append(0.0)
            continue
        try:
            scores.append(1.0 if abs(eval(match[1]) - goal) < 1e-6 else 0.1)
        except (SyntaxError, ZeroDivisionError, TypeError):
            scores.append(0.1)
    return scores
