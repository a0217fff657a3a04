"""Three small functions with fractional weights and one that only logs."""

import re

TASK = "gsm8k"
WEIGHTS = {"exact": 0.8, "closed": 0.1, "starts": 0.1, "words": 0.0}


def exact(completions, answer, **kwargs):
    return [
        float(re.findall(r"<answer>\s*([^<]*?)\s*</answer>", c) == [a.split("####")[-1].strip()])
        for c, a in zip(completions, answer)
    ]


def closed(completions, **kwargs):
    return [
        float(c.strip().endswith("</answer>") and c.count("</answer>") == 1) for c in completions
    ]


def starts(completions, **kwargs):
    return [float(c.strip().startswith("<think>") and c.count("<think>") == 1) for c in completions]


def words(completions, **kwargs):
    return [float(len(c.split())) for c in completions]
