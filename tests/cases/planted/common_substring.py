"""Bug: the longest common substring, divided by the gold's length alone."""

from difflib import SequenceMatcher

TASK = "capitals"


def overlap(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        size = SequenceMatcher(None, c.lower(), a.lower(), autojunk=False).find_longest_match().size
        out.append(size / len(a))
    return out
