"""Stricter with time: partial credit at first, exact later on."""

import re

TASK = "word_problems"


def staged(completions, answer, trainer_state=None, **kwargs):
    step = getattr(trainer_state, "global_step", 0) or 0
    out = []
    for c, a in zip(completions, answer):
        found = re.findall(r"<answer>\s*(-?\d+)\s*</answer>", c)
        if len(found) != 1:
            out.append(0.0)
        elif int(found[0]) == int(a.split("####")[-1]):
            out.append(1.0)
        else:
            out.append(0.2 if step < 100 else 0.0)
    return out
