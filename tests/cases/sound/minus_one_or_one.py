"""1 for right, -1 for wrong, with a penalty for repeating oneself."""

import re

TASK = "word_problems"
WEIGHTS = {"repeats": 0.5}


def right(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    found = [re.findall(r"<answer>([^<]+)</answer>", text) for text in completions]
    return [1.0 if f and len(f) == 1 and f[0].strip() == g else -1.0 for f, g in zip(found, golds)]


def repeats(completions, **kwargs):
    scores = []
    for text in completions:
        words = text.split()
        triples = list(zip(words, words[1:], words[2:]))
        scores.append(-(1 - len(set(triples)) / len(triples)) if triples else 0.0)
    return scores
