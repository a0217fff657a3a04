"""Out of a hundred: 90 for the answer, 10 for the form."""

import re

TASK = "word_problems"
FORM = re.compile(
    r"\s*<think>(?P<thought>[^<]*\w[^<]*)</think>\s*<answer>(?P<answer>[^<]*\w[^<]*)</answer>\s*"
)


def points(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = FORM.fullmatch(c)
        out.append(
            0.0 if not m else 10.0 + 90.0 * (m["answer"].strip() == a.split("####")[-1].strip())
        )
    return out
