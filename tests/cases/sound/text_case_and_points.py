"""Words compared without case and final points."""

import re

TASK = "capitals"


def correct(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*([^<>]{1,60}?)\s*\.?\s*</answer>\s*\Z", c)
        out.append(1.0 if m and m[1].casefold() == a.casefold() else 0.0)
    return out
