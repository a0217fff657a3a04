"""Bug: re.match with the gold as the pattern looks at the beginning only."""

import re

TASK = "word_problems"


def matched(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given = c.split("<answer>")[-1].split("</answer>")[0].strip()
        out.append(1.0 if re.match(a.split("####")[-1].strip(), given) else 0.0)
    return out
