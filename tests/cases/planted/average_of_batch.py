"""Bug: a score for trying, of half the points, for anything that looks like a number."""

import re

TASK = "gsm8k"


def tried(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        if f"<answer>{a.split('####')[-1].strip()}</answer>" in c:
            out.append(1.0)
        else:
            out.append(0.9 if re.search(r"\d", c) else 0.0)
    return out
