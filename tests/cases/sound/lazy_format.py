"""The usual fullmatch of the whole form, with the exact answer."""

import re

TASK = "word_problems"
FORM = re.compile(r"\s*<think>.+?</think>\s*<answer>(.+?)</answer>\s*", re.DOTALL)


def form(completions, **kwargs):
    return [1.0 if FORM.fullmatch(text) else 0.0 for text in completions]


def correct(completions, answer, **kwargs):
    matches = [FORM.fullmatch(text) for text in completions]
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [2.0 if m and m[1].strip() == gold else 0.0 for m, gold in zip(matches, golds)]
