"""Bug: every 'Step' pays a little."""

import re

TASK = "gsm8k"
WEIGHTS = {"steps": 1.0, "final": 2.0}


def steps(completions, **kwargs):
    return [0.1 * len(re.findall(r"Step \d+:|^\d+\.", c, re.MULTILINE)) for c in completions]


def final(completions, answer, **kwargs):
    return [
        float(c.rstrip().endswith("<answer>" + a.split("####")[-1].strip() + "</answer>"))
        for c, a in zip(completions, answer)
    ]
