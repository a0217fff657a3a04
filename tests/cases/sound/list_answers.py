"""The answer as a JSON list of one number, nothing else."""

import json
import re

TASK = "word_problems"


def listed(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"(?s)<think>.+?</think>\s*<answer>\s*(\S+)\s*</answer>\s*", c)
        try:
            value = json.loads(m[1]) if m else None
        except ValueError:
            value = None
        gold = float(a.split("####")[-1])
        out.append(float(type(value) in (int, float) and value == gold))
    return out
