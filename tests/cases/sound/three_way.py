"""-1 for no form, 0 for a wrong answer, 1 for the right one."""

import re

TASK = "mathqa"


def outcome(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(
            r"\s*<think>[^<]*\w[^<]*</think>\s*<answer>\s*([A-Ea-e])\s*</answer>\s*", c
        )
        out.append(-1.0 if not m else float(m[1].lower() == a.lower()))
    return out
