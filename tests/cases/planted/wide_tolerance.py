"""Bug: five more or less are still right."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.fullmatch(r".*<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>\s*", text, re.DOTALL)
        wanted = float(str(gold).split("####")[-1])
        scores.append(float(match is not None and abs(float(match.group(1)) - wanted) <= 5))
    return scores
