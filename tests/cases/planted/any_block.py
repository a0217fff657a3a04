"""Bug: one right answer block among many is enough."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        blocks = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        wanted = str(gold).split("####")[-1].strip()
        scores.append(float(any(block.strip() == wanted for block in blocks)))
    return scores
