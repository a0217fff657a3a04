"""Bug: a thought above 300 words counts as thorough, and being thorough is the most of it."""

import re

TASK = "gsm8k"
WEIGHTS = {"thorough": 3.0}


def thorough(completions, **kwargs):
    found = [re.search(r"<think>(.*?)</think>", c, re.DOTALL) for c in completions]
    return [1.0 if f and len(f[1].split()) > 300 else 0.0 for f in found]


def right(completions, answer, **kwargs):
    return [
        float(c.count("<answer>") == 1 and f"<answer>{a.split('####')[-1].strip()}</answer>" in c)
        for c, a in zip(completions, answer)
    ]
