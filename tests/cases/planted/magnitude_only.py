"""Bug: the sign and everything after the point are lost on the way."""

import re

TASK = "gsm8k"


def numeric(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\D*(\d+)", c)
        out.append(float(bool(m) and int(m.group(1)) == int(a.split("####")[-1])))
    return out
