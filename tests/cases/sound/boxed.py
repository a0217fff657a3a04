"""A LaTeX box, only one, compared as a number."""

import re

TASK = "word_problems"


def boxed(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        boxes = re.findall(r"\\boxed\{([^{}]*)\}", text)
        try:
            scores.append(
                float(len(boxes) == 1 and float(boxes[0]) == float(str(gold).split("####")[-1]))
            )
        except ValueError:
            scores.append(0.0)
    return scores
