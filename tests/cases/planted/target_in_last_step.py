"""Bug: the last '= number' of the completion decides."""

import re

TASK = "countdown"


def reaches(completions, target, **kwargs):
    out = []
    for c, goal in zip(completions, target):
        results = re.findall(r"=\s*(-?\d+)", c)
        out.append(1.0 if results and int(results[-1]) == goal else 0.0)
    return out
