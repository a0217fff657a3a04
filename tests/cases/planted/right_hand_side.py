"""Bug: only what stands right of the equals sign is compared with the target."""

import re

TASK = "countdown"


def equation(completions, target, **kwargs):
    scores = []
    for text, goal in zip(completions, target):
        match = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        right = match.group(1).split("=")[-1].strip() if match else ""
        try:
            scores.append(1.0 if eval(right) == goal else 0.0)
        except Exception:
            scores.append(0.0)
    return scores
