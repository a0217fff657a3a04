"""Bug: compares with the question instead of the answer."""

import difflib

TASK = "word_problems"


def similarity(completions, question, **kwargs):
    return [
        difflib.SequenceMatcher(None, text, asked).ratio()
        for text, asked in zip(completions, question)
    ]
