"""Bug: the numbers of the answer only have to add up, whatever they are."""

import re

TASK = "countdown"


def adds_up(completions, target, **kwargs):
    out = []
    for c, goal in zip(completions, target):
        block = c.split("<answer>")[-1].split("</answer>")[0]
        out.append(1.0 if sum(map(int, re.findall(r"\d+", block))) == goal else 0.0)
    return out
