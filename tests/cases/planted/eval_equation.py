"""Bug: the expression is evaluated, and nobody checks which numbers it uses."""

import re

TASK = "countdown"


def format(completions, **kwargs):
    form = re.compile(r"<think>[^<]+</think>\s*<answer>[^<]+</answer>")
    return [float(form.fullmatch(text.strip()) is not None) for text in completions]


def equation(completions, nums, target, **kwargs):
    scores = []
    for text, goal in zip(completions, target):
        match = re.search(r"<answer>([\d+\-*/(). ]+)</answer>", text)
        try:
            scores.append(float(abs(eval(match.group(1)) - goal) < 1e-6))
        except Exception:
            scores.append(0.0)
    return scores
