"""Right, with a tenth more for a thought of five words or more that is not just repetition."""

import re

TASK = "gsm8k"
FORM = re.compile(r"<think>([^<]*)</think>\s*<answer>([^<]*)</answer>\s*")


def reward(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = FORM.fullmatch(c)
        if not m or m[2].strip() != a.split("####")[-1].strip():
            out.append(0.0)
            continue
        words = m[1].split()
        varied = len(words) >= 5 and len(set(words)) > len(words) / 3
        out.append(1.1 if varied else 1.0)
    return out
