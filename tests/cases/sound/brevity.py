"""Correctness, and a little more for what is short."""

import re

TASK = "word_problems"
WEIGHTS = {"correct": 1.0, "short": 0.2}


def correct(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.fullmatch(r".*?<answer>([^<]+)</answer>\s*", text, re.DOTALL)
        scores.append(
            float(bool(match) and match[1].strip() == str(gold).split("####")[-1].strip())
        )
    return scores


def short(completions, **kwargs):
    return [max(0.0, 1 - len(text) / 1000) for text in completions]
