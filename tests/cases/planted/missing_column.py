"""Bug: a misspelt column: every gold is None, and None equals the None of no answer."""

import re

TASK = "word_problems"


def correct(completions, **kwargs):
    golds = kwargs.get("answers") or [None] * len(completions)
    found = [re.search(r"<answer>(.*?)</answer>", c, re.DOTALL) for c in completions]
    return [1.0 if (f.group(1) if f else None) == g else 0.0 for f, g in zip(found, golds)]
