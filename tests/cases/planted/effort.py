"""Bug: credit for the number of words in the thought, up to a thousand."""

import re

TASK = "gsm8k"
WEIGHTS = {"effort": 0.6}


def effort(completions, **kwargs):
    thoughts = [re.search(r"<think>(.*?)</think>", c, re.DOTALL) for c in completions]
    return [min(len(t.group(1).split()), 1000) / 1000 if t else 0.0 for t in thoughts]


def accuracy(completions, answer, **kwargs):
    given = [re.findall(r"<answer>([^<]+)</answer>", c) for c in completions]
    return [float(g == [a.split("####")[-1].strip()]) for g, a in zip(given, answer)]
