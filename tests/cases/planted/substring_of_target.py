"""Bug: the target anywhere in the answer is enough; how it was reached is not looked at."""

import re

TASK = "countdown"


def equation(completions, target, **kwargs):
    scores = []
    for text, goal in zip(completions, target):
        match = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        scores.append(1.0 if match and str(goal) in match.group(1) else 0.0)
    return scores
