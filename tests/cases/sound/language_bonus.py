"""Correctness, and a small bonus for plain ASCII."""

import re

TASK = "word_problems"
WEIGHTS = {"plain": 0.1}


def plain(completions, **kwargs):
    return [float(c.isascii() and bool(c.strip())) for c in completions]


def correct(completions, answer, **kwargs):
    found = [
        re.fullmatch(r"(?s)(?:(?!<answer>).)*<answer>([^<]*)</answer>\s*", c) for c in completions
    ]
    return [
        float(bool(f) and f[1].strip() == str(a).split("####")[-1].strip())
        for f, a in zip(found, answer)
    ]
