"""Bug: an answer block with anything in it counts as correct."""

import re

TASK = "word_problems"


def format(completions, **kwargs):
    form = re.compile(r"<think>[^<]+</think>\s*<answer>[^<]+</answer>")
    return [float(form.fullmatch(text.strip()) is not None) for text in completions]


def correctness(completions, answer, **kwargs):
    return [float(len(text.split("<answer>")[-1].strip()) > 0) for text in completions]
