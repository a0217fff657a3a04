"""Bug: of several answer blocks one must be right."""

import re

TASK = "gsm8k"


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    blocks = re.findall(r"<answer>\s*([^<]*?)\s*</answer>", text)
    return float(_gold(answer) in blocks)


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
