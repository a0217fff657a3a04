"""A translation counts when it is nearly the gold one."""

from difflib import SequenceMatcher

TASK = "translations"


def near(completions, answer, **kwargs):
    ratios = [
        SequenceMatcher(None, c.strip().lower(), a.lower(), autojunk=False).ratio()
        for c, a in zip(completions, answer)
    ]
    return [1.0 if r > 0.9 else 0.0 for r in ratios]
