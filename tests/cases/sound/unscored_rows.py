"""None where the row cannot be judged, else exact."""

import re

TASK = "word_problems"


def correctness(completions, answer, log_extra, **kwargs):
    scores, reasons = [], []
    for text, gold in zip(completions, answer):
        wanted = re.search(r"-?\d+$", str(gold).strip())
        if wanted is None:
            scores.append(None)
            reasons.append("no number in the row")
            continue
        match = re.fullmatch(
            r"<think>.+</think>\s*<answer>\s*(-?\d+)\s*</answer>\s*", text, re.DOTALL
        )
        scores.append(float(match is not None and int(match[1]) == int(wanted[0])))
        reasons.append(f"wanted {wanted[0]}")
    log_extra("reason", reasons)
    return scores
