"""On a scale of ten: ten for right, two for the form, none for the rest."""

import re

TASK = "gsm8k"
FORM = re.compile(r"<think>(?=[^<]*\w)[^<]+</think>\s*<answer>\s*(-?\d+)\s*</answer>\s*")


def points(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = FORM.fullmatch(c)
        out.append(0 if not m else 10 if m[1] == a.split("####")[-1].strip() else 2)
    return out
