"""Text overlap as Jaccard of word sets, with a third of the weight for the exact sentence."""

import re

TASK = "translations"
WEIGHTS = {"jaccard": 0.67, "exact": 0.33}


def _words(text):
    return set(re.findall(r"\w+", text.lower()))


def jaccard(completions, answer, **kwargs):
    return [
        len(_words(c) & _words(a)) / len(_words(c) | _words(a)) for c, a in zip(completions, answer)
    ]


def exact(completions, answer, **kwargs):
    return [float(c.strip() == a) for c, a in zip(completions, answer)]
