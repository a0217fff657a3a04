"""Nothing but a strict form: it makes no claim about the answer."""

import re

TASK = "word_problems"


def form(completions, **kwargs):
    whole = re.compile(r"<think>[^<>]*\w[^<>]*</think>\s*<answer>[^<>]*\w[^<>]*</answer>")
    return [float(whole.fullmatch(text.strip()) is not None) for text in completions]
