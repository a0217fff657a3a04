"""Correctness, and some credit for a length between 40 and 1,200 characters."""

import re

TASK = "word_problems"
WEIGHTS = {"length": 0.25}


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        found = re.findall(r"<answer>([^<]*)</answer>", text)
        scores.append(float([f.strip() for f in found] == [str(gold).split("####")[-1].strip()]))
    return scores


def length(completions, **kwargs):
    return [1.0 if 40 <= len(text) <= 1200 else 0.0 for text in completions]
