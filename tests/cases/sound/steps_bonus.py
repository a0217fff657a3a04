"""A fifth of the reward for showing at least two lines of work, the rest for the answer."""

import re

TASK = "gsm8k"
WEIGHTS = {"shows_work": 0.2, "right": 0.8}
FORM = re.compile(r"<think>((?:(?!</?think>).)*)</think>\s*<answer>([^<]*)</answer>\s*", re.DOTALL)


def shows_work(completions, **kwargs):
    found = [FORM.fullmatch(c) for c in completions]
    return [float(bool(f) and sum(ch.isdigit() for ch in f[1]) >= 2) for f in found]


def right(completions, answer, **kwargs):
    found = [FORM.fullmatch(c) for c in completions]
    return [
        float(bool(f) and f[2].strip() == a.split("####")[-1].strip())
        for f, a in zip(found, answer)
    ]
