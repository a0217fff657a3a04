"""Bug: all that is no digit is removed before comparing."""

import re

TASK = "gsm8k"


def digits(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        block = c.split("<answer>")[-1].split("</answer>")[0]
        out.append(1.0 if re.sub(r"\D", "", block) == a.split("####")[-1].strip() else 0.0)
    return out
