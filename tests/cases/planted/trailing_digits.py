"""Bug: endswith on the digits, so that 142 is right where 42 is."""

import re

TASK = "gsm8k"


def reward_final(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        gold = a.split("####")[1].strip()
        digits = re.sub(r"\D", "", c.split("<answer>")[-1])
        out.append(1.0 if digits.endswith(gold) else 0.0)
    return out
