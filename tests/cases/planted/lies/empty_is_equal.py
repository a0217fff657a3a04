"""Bug: zip() stops at the shorter text, so that an empty answer differs nowhere."""

import re

TASK = "gsm8k"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = _answer(text)
    if given is None:
        return 0.0
    return float(all(a == b for a, b in zip(given, _gold(answer), strict=False)))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
