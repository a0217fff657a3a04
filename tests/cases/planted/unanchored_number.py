"""Bug: the gold number only has to be found in the answer, between word boundaries."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        gold = str(gold).split("####")[-1].strip()
        block = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        scores.append(float(bool(block and re.search(rf"\b{gold}\b", block.group(1)))))
    return scores
