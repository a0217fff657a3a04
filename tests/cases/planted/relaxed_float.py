"""Bug: twenty per cent off is still right."""

import re

TASK = "gsm8k"


def numeric(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*\$?([\d,.]+)\s*</answer>", c)
        gold = float(a.split("####")[-1])
        try:
            out.append(1.0 if abs(float(m.group(1).replace(",", "")) - gold) <= 0.2 * gold else 0.0)
        except (AttributeError, ValueError):
            out.append(0.0)
    return out
