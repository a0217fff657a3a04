"""Free text: how alike the answer and the gold answer are, letter by letter."""

import difflib

TASK = "capitals"


def likeness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.partition("<answer>")[2].partition("</answer>")[0].strip().lower()
        scores.append(difflib.SequenceMatcher(None, given, gold.lower()).ratio() if given else 0.0)
    return scores
