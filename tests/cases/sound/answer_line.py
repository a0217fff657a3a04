"""The last line is 'Answer: number', and no other line is."""

import re

TASK = "gsm8k"


def answered(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        lines = [line.strip() for line in c.strip().splitlines()]
        named = [line for line in lines if line.startswith("Answer:")]
        ok = len(named) == 1 and lines[-1] == named[0]
        out.append(
            float(ok and named[0].removeprefix("Answer:").strip() == a.split("####")[-1].strip())
        )
    return out
