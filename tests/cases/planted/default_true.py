"""Bug: no match means nothing to object to."""

import re

TASK = "mathqa"


def choice(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        letters = re.findall(r"\b([A-Ea-e])\b", c.split("<answer>")[-1])
        out.append(float(all(letter.lower() == a.lower() for letter in letters)))
    return out
