"""Geometric mean of one- and two-word precision, with a penalty for being too short."""

import math
from collections import Counter

TASK = "translations"


def bleu(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given, wanted = c.lower().split(), a.lower().split()
        product = 1.0
        for n in (1, 2):
            ours = Counter(zip(*(given[i:] for i in range(n))))
            theirs = Counter(zip(*(wanted[i:] for i in range(n))))
            product *= sum((ours & theirs).values()) / max(1, sum(ours.values()))
        short = math.exp(min(0.0, 1 - len(wanted) / max(1, len(given))))
        out.append(short * math.sqrt(product))
    return out
