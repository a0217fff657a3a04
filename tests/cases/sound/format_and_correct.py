"""A strict form and the exact answer, half and half."""

import re

TASK = "word_problems"
WEIGHTS = {"form": 0.5, "correct": 0.5}
FORM = re.compile(r"<think>([^<]+)</think>\s*<answer>([^<]+)</answer>\s*")


def form(completions, **kwargs):
    return [
        1.0 if FORM.fullmatch(text) and FORM.fullmatch(text)[1].strip() else 0.0
        for text in completions
    ]


def correct(completions, answer, **kwargs):
    matches = [FORM.fullmatch(text) for text in completions]
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [float(bool(m) and m[2].strip() == gold) for m, gold in zip(matches, golds)]
