"""Nothing to win: 0 for right, -1 for wrong."""

import re

TASK = "word_problems"


def loss(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"(?s).*<answer>(\d+)</answer>\s*", c)
        out.append(
            0.0 if m and m[1] == a.split("####")[-1].strip() and c.count("<answer>") == 1 else -1.0
        )
    return out
