"""Exact, and minus a half for words of hedging in the answer."""

import re

TASK = "word_problems"


def exact(completions, answer, **kwargs):
    blocks = [re.findall(r"<answer>([^<]*)</answer>", c) for c in completions]
    return [
        float([x.strip() for x in b] == [a.split("####")[-1].strip()])
        for b, a in zip(blocks, answer)
    ]


def hedging(completions, **kwargs):
    return [
        -0.5 if re.search(r"<answer>[^<]*\b(or|maybe|between)\b", c) else 0.0 for c in completions
    ]
