"""Partial credit for being near: 1 for the number itself, less the further away."""

import re

TASK = "word_problems"


def closeness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.search(r"<answer>\s*(-?\d+(?:\.\d+)?)\s*</answer>", text)
        wanted = float(str(gold).split("####")[-1])
        if match:
            away = abs(float(match[1]) - wanted) / max(abs(wanted), 1.0)
            scores.append(1.0 if away == 0 else 0.5 * max(0.0, 1 - away))
        else:
            scores.append(0.0)
    return scores
