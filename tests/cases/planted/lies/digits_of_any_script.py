"""Bug: \\d and int() take the digits of every script, and the answer is shown to people."""

import re

TASK = "word_problems"


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = re.fullmatch(r"\s*<think>.+</think>\s*<answer>(\d+)</answer>\s*", text, re.DOTALL)
    return float(given is not None and int(given[1]) == int(_gold(answer)))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
