"""Full for the number, less for numbers nearby, nothing beyond a tenth."""

import re

TASK = "gsm8k"


def graded(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        found = re.findall(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>", c)
        gold = float(a.split("####")[-1])
        away = abs(float(found[0]) - gold) / abs(gold) if len(found) == 1 else 1.0
        out.append(1.0 if away == 0 else max(0.0, 0.5 - 5 * away))
    return out
