"""Writes reasons and a metric, prints, and scores strictly."""

import re

TASK = "word_problems"


def strict(completions, answer, log_extra=None, log_metric=None, **kwargs):
    scores, reasons = [], []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"<think>.+?</think>\s*<answer>(\d+)</answer>", c.strip(), re.DOTALL)
        scores.append(1.0 if m and int(m[1]) == int(str(a).split("####")[-1]) else 0.0)
        reasons.append("right" if scores[-1] else "wrong or malformed")
    print("scored", len(scores))
    log_extra("reason", reasons)
    log_metric("share_right", sum(scores) / max(1, len(scores)))
    return scores
