"""Bug: `in` the wrong way round: a piece of the gold text is enough."""

import re

TASK = "word_problems"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _score(text, answer):
    given = _answer(text)
    return float(given is not None and given in str(answer))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
