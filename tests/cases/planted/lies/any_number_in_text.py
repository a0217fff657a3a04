"""Bug: any number anywhere in the text may be the answer."""

import re

TASK = "gsm8k"


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    return float(_gold(answer) in re.findall(r"-?\d+", text.replace(",", "")))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
