"""Short answers earn more, but only right ones."""

import re

TASK = "gsm8k"


def concise(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"(?s).*<answer>\s*([\d.,-]+)\s*</answer>\s*", c)
        right = (
            bool(m)
            and c.count("<answer>") == 1
            and m[1].replace(",", "") == a.split("####")[-1].strip()
        )
        out.append((1.0 if len(c) < 600 else 0.6) if right else 0.0)
    return out
