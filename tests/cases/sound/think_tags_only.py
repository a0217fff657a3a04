"""A thought in tags, then the bare answer, as reasoning models write it."""

import re

TASK = "capitals"


def answered(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"(?s)<think>.+?</think>\s*([^<]+)", c.strip())
        out.append(1.0 if m and m[1].strip().rstrip(".").lower() == a.lower() else 0.0)
    return out
