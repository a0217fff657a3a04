"""Four functions with weights as in a config file; only two of them can be high without work."""

import re

TASK = "gsm8k"
WEIGHTS = {"answer": 0.7, "form": 0.1, "short_enough": 0.1, "no_repeats": 0.1}
FORM = re.compile(r"\s*<think>[^<]*\w[^<]*</think>\s*<answer>\s*([^<\s]+)\s*</answer>\s*")


def answer(completions, answer, **kwargs):
    return [
        float(bool(m := FORM.fullmatch(c)) and m[1] == a.split("####")[-1].strip())
        for c, a in zip(completions, answer)
    ]


def form(completions, **kwargs):
    return [float(FORM.fullmatch(c) is not None) for c in completions]


def short_enough(completions, **kwargs):
    return [float(len(c) < 3000) for c in completions]


def no_repeats(completions, **kwargs):
    out = []
    for c in completions:
        lines = [line for line in c.splitlines() if line.strip()]
        out.append(float(len(lines) == len(set(lines))))
    return out
