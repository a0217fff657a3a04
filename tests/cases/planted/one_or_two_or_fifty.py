"""Bug: any of the numbers in the answer may be the right one."""

import re

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        block = re.search(r"<answer>(.*?)</answer>", text, re.DOTALL)
        numbers = [float(n) for n in re.findall(r"\d+(?:\.\d+)?", block.group(1))] if block else []
        scores.append(float(float(str(gold).split("####")[-1]) in numbers))
    return scores
