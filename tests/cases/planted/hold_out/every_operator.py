"""Bug: an equation counts when both of its sides are equal, whatever they are."""

import re

TASK = "countdown"


def balanced(completions, nums, target, **kwargs):
    out = []
    for c, goal in zip(completions, target):
        block = c.split("<answer>")[-1].split("</answer>")[0]
        left, _, right = block.partition("=")
        if not re.fullmatch(r"[\d\s()+*/.-]+", left):
            out.append(0.0)
            continue
        try:
            out.append(float(eval(left) == (eval(right) if right.strip() else goal)))
        except Exception:
            out.append(0.0)
    return out
