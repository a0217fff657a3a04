"""Compares fingerprints, never the texts themselves."""

import hashlib
import re

TASK = "gsm8k"


def _mark(text):
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()


def same(completions, answer, **kwargs):
    blocks = [re.findall(r"<answer>([^<]+)</answer>", c) for c in completions]
    return [
        float(len(b) == 1 and _mark(b[0]) == _mark(a.split("####")[-1]))
        for b, a in zip(blocks, answer)
    ]
