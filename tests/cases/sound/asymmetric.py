"""+1 right, -0.5 wrong, -1 for no answer at all."""

import re

TASK = "word_problems"


def outcome(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>\s*\Z", c)
        if m is None:
            out.append(-1.0)
        else:
            out.append(1.0 if float(m.group(1)) == float(str(a).split("####")[-1]) else -0.5)
    return out
