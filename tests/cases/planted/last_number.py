"""Bug: only the last number of the text is read."""

import re

TASK = "word_problems"


def reward(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        numbers = re.findall(r"-?\d+\.?\d*", text.replace(",", ""))
        wanted = float(str(gold).split("####")[-1])
        scores.append(float(bool(numbers) and float(numbers[-1]) == wanted))
    return scores
