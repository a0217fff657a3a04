"""The answer block, whole, equals the gold number as text."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        wanted = str(gold).split("####")[-1].strip()
        scores.append(1.0 if len(found) == 1 and found[0].strip() == wanted else 0.0)
    return scores
