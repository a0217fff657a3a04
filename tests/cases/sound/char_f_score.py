"""Translations by character trigrams, F1, so that more text costs as much as less."""

from collections import Counter

TASK = "translations"


def _grams(text):
    text = " ".join(text.lower().split())
    return Counter(text[i : i + 3] for i in range(len(text) - 2))


def chrf(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given, wanted = _grams(c), _grams(a)
        hits = sum((given & wanted).values())
        out.append(2 * hits / (sum(given.values()) + sum(wanted.values())) if hits else 0.0)
    return out
