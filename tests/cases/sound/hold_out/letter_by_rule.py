"""Multiple choice with credit for the form only where a letter is given at all."""

import re

TASK = "mathqa"


def graded(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(
            r"<think>(.+?)</think>\s*<answer>\s*([A-Ea-e])\s*</answer>\s*", c, re.DOTALL
        )
        if not m or "<" in m[1]:
            out.append(-0.2)
        else:
            out.append(1.0 if m[2].lower() == a.lower() else 0.0)
    return out
