"""Bug: eval of whatever stands in the answer; numbers left out are no problem."""

import re

TASK = "countdown"


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>(.*?)</answer>", c, re.DOTALL)
        try:
            used = [int(n) for n in re.findall(r"\d+", m.group(1))]
            ok = all(n in numbers for n in used)
            out.append(1.0 if ok and eval(m.group(1)) == goal else 0.0)
        except Exception:
            out.append(0.0)
    return out
