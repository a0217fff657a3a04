"""The words of reasoning are counted and logged with weight 0: they pay nothing."""

import re

TASK = "word_problems"
WEIGHTS = {"reasoning_words": 0, "characters": 0}


def reasoning_words(completions, **kwargs):
    return [float(sum(text.count(w) for w in ("because", "so", "wait"))) for text in completions]


def characters(completions, **kwargs):
    return [float(len(text)) for text in completions]


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = re.search(r"<answer>([^<]*)</answer>\s*$", text)
        scores.append(
            float(match is not None and match[1].strip() == str(gold).split("####")[-1].strip())
        )
    return scores
