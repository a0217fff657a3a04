"""Bug: `in` in place of ==: the gold is somewhere in the answer."""

import re

TASK = "gsm8k"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = _answer(text)
    return float(given is not None and _gold(answer) in given)


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
