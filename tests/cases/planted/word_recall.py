"""Bug: recall without precision: a text with every word is perfect."""

import re

TASK = "translations"


def recall(completions, question, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        wanted = set(re.findall(r"\w+", a.lower()))
        out.append(len(wanted & set(re.findall(r"\w+", c.lower()))) / len(wanted))
    return out
