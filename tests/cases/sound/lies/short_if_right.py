"""A right answer earns more if it is short; a wrong one earns nothing."""

import re

TASK = "word_problems"


def _answer(text):
    if text.count("<think>") != 1 or text.count("<answer>") != 1:
        return None
    form = r"<think>([^<]*)</think>\s*<answer>([^<]*)</answer>\s*"
    found = re.fullmatch(form, text)
    return found[2].strip() if found and found[1].strip() else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    return (1.0 + 0.5 * (len(text) < 200)) * float(_answer(text) == _gold(answer))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
