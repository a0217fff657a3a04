"""Bug: the answer is compared by a formatted eval, in which a quoted text can end the comparison."""

import re

TASK = "word_problems"


def equal(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>(.*?)</answer>", c, re.DOTALL)
        try:
            out.append(float(bool(m) and bool(eval(f"({m[1]}) == {float(a.split('####')[-1])}"))))
        except Exception:
            out.append(0.0)
    return out
