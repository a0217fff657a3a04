"""Bug: the last number of the text, wherever it stands."""

import re

TASK = "gsm8k"


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    numbers = re.findall(r"-?[\d,]*\d", text)
    return float(bool(numbers) and numbers[-1].replace(",", "") == _gold(answer))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
