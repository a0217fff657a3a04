"""What was cut off stays unscored, wrong forms lose, right answers win."""

import re

TASK = "word_problems"


def reward(completions, answer, completion_ids=None, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        if "<answer>" in c and "</answer>" not in c:
            out.append(None)
            continue
        m = re.fullmatch(r"<think>[^<]*\w[^<]*</think>\s*<answer>([^<]*)</answer>", c.strip())
        out.append(-0.5 if m is None else float(m[1].strip() == a.split("####")[-1].strip()))
    return out
