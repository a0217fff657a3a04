"""Judges only what has an answer block, and leaves the rest unscored."""

import re

TASK = "word_problems"


def correct(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        found = re.findall(r"<answer>\s*(-?\d+)\s*</answer>", c)
        if not found:
            out.append(None)
        else:
            out.append(float(set(found) == {str(a).split("####")[-1].strip()}))
    return out
