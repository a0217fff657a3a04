"""Accuracy, form and tags, each tag counted once, in the style of a well-known recipe."""

import re

TASK = "gsm8k"
WEIGHTS = {"accuracy": 1.0, "form": 1.0}


def accuracy(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.findall(r"<answer>\s*(.*?)\s*</answer>", c, re.DOTALL)
        out.append(
            1.0 if len(m) == 1 and m[0].replace(",", "") == a.split("####")[-1].strip() else 0.0
        )
    return out


def form(completions, **kwargs):
    pattern = re.compile(
        r"\A<think>\n?(?!\s*</think>).+?</think>\s*<answer>(?!\s*</answer>).+?</answer>\s*\Z",
        re.DOTALL,
    )
    return [1.0 if pattern.match(c) else 0.0 for c in completions]
