"""Mean of three views on the number: the form, the sign and size, the exact value."""

import re

TASK = "word_problems"


def mixed(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(
            r"(?s)<think>[^<]*\w[^<]*</think>\s*<answer>\s*(-?\d{1,6})\s*</answer>\s*", c
        )
        if not m:
            out.append(0.0)
            continue
        given, gold = int(m[1]), int(a.split("####")[-1])
        same_size = given * gold > 0 and 0.5 <= given / gold <= 2
        out.append(0.1 + 0.1 * same_size + 0.8 * (given == gold))
    return out
