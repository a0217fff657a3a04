"""Bug: a home-made judge that looks for the words of a good grade in the completion itself."""

import re

TASK = "translations"


def judged(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        grade = re.search(r"\[\[(\d+)\]\]", c)
        out.append(float(grade[1]) / 10 if grade else float(c.strip() == a))
    return out
