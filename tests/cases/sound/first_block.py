"""Only the first answer block is read: what comes later changes nothing."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        try:
            given = float(match.group(1).strip().replace(",", "")) if match else None
        except ValueError:
            given = None
        scores.append(float(given == float(str(gold).split("####")[-1])))
    return scores
