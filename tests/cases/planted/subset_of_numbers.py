"""Bug: numbers may be left out and used twice."""

import re

TASK = "countdown"
WEIGHTS = {"form": 0.2}


def form(completions, **kwargs):
    return [
        float(re.fullmatch(r"<think>[^<]+</think>\s*<answer>[^<]+</answer>", c) is not None)
        for c in completions
    ]


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>([\d+\-*/() ]+)</answer>", c)
        try:
            out.append(
                float(
                    all(int(n) in numbers for n in re.findall(r"\d+", m[1])) and eval(m[1]) == goal
                )
            )
        except (TypeError, SyntaxError, ZeroDivisionError):
            out.append(0.0)
    return out
