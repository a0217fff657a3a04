"""Bug: re.match without an end takes an answer that only begins as the right one."""

import re

TASK = "word_problems"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = _answer(text)
    return float(given is not None and re.match(re.escape(_gold(answer)), given) is not None)


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
