"""Bug: precision without recall, so that one word of the gold sentence is perfect."""

import re

TASK = "translations"


def precision(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given = re.findall(r"\w+", c.lower())
        wanted = set(re.findall(r"\w+", a.lower()))
        out.append(sum(w in wanted for w in given) / len(given) if given else 0.0)
    return out
