"""Correctness counts only inside the right form; one function, three steps."""

import re

TASK = "word_problems"


def reward(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.fullmatch(r"<think>([^<]+)</think>\s*<answer>([^<]+)</answer>", text.strip())
        if match is None or not match[1].strip():
            scores.append(0.0)
        elif match[2].strip() == str(gold).split("####")[-1].strip():
            scores.append(1.0)
        else:
            scores.append(0.2)
    return scores
