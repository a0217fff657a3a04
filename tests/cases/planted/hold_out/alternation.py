"""Bug: ^ and $ bind to one alternative each, so that beginning or ending so is enough."""

import re

TASK = "mathqa"


def letter(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        block = c.split("<answer>")[-1].split("</answer>")[0].strip().lower()
        out.append(1.0 if re.search(f"^{a}|{a}$", block) else 0.0)
    return out
