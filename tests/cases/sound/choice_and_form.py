"""Form and letter, weights 0.25 and 1, the letter only inside the form."""

import re

TASK = "mathqa"
WEIGHTS = {"form": 0.25}
FORM = re.compile(r"<think>[^<]{10,}</think>\s*<answer>\s*([a-e])\s*</answer>\s*", re.IGNORECASE)


def form(completions, **kwargs):
    return [float(FORM.fullmatch(c) is not None) for c in completions]


def letter(completions, answer, **kwargs):
    return [
        float(bool(m := FORM.fullmatch(c)) and m[1].lower() == a)
        for c, a in zip(completions, answer)
    ]
