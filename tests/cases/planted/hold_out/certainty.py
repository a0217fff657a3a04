"""Bug: the model states its own score, and is believed where it is not wrong in form."""

import re

TASK = "capitals"


def self_graded(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"[Ss]core:\s*(\d(?:\.\d+)?)", c)
        out.append(min(1.0, float(m[1])) if m else float(c.strip() == a))
    return out
