"""Bug: re.search finds the form anywhere, whatever stands around it."""

import re

TASK = "word_problems"
FORM = re.compile(r"<think>.*?</think>\s*<answer>.*?</answer>", re.DOTALL)


def format(completions, **kwargs):
    return [1.0 if FORM.search(text) else 0.0 for text in completions]


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        wanted = str(gold).split("####")[-1].strip()
        scores.append(1.0 if len(found) == 1 and found[0].strip() == wanted else 0.0)
    return scores
