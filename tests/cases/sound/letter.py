"""One letter, alone in the answer block."""

import re

TASK = "mathqa"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        given = found[0].strip().strip("().").lower() if len(found) == 1 else ""
        scores.append(1.0 if given == gold.strip().lower() else 0.0)
    return scores
