"""Tags of one's own, strict, with the answer compared as text."""

import re

TASK = "word_problems"
FORM = re.compile(
    r"<reasoning>\n(?:(?!</?\w+>).)+\n</reasoning>\n<answer>\n(-?\d+)\n</answer>\n?", re.DOTALL
)


def strict_format(completions, **kwargs):
    return [0.5 if FORM.fullmatch(text) else 0.0 for text in completions]


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        match = FORM.fullmatch(text)
        scores.append(2.0 if match and match[1] == str(gold).split("####")[-1].strip() else 0.0)
    return scores
