"""1 if right, 0.1 if a number can be read at all, else 0."""

import re

TASK = "word_problems"


def reward(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.search(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>\s*$", text)
        if not match:
            scores.append(0.0)
        elif float(match[1]) == float(str(gold).split("####")[-1]):
            scores.append(1.0)
        else:
            scores.append(0.1)
    return scores
