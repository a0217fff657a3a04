"""A penalty written as a positive score with a negative weight."""

import re

TASK = "gsm8k"
WEIGHTS = {"malformed": -0.5, "right": 1.0}
FORM = re.compile(r"<think>[^<]*\w[^<]*</think>\s*<answer>([^<]*\w[^<]*)</answer>\s*")


def malformed(completions, **kwargs):
    return [float(FORM.fullmatch(c) is None) for c in completions]


def right(completions, answer, **kwargs):
    found = [re.findall(r"<answer>([^<]*)</answer>", c) for c in completions]
    return [
        float([x.strip() for x in f] == [a.split("####")[-1].strip()])
        for f, a in zip(found, answer)
    ]
