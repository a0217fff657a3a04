"""One letter, and it is the right one."""

import re

TASK = "word_problems_choice"


def _answer(text):
    form = r"<think>.*\S.*</think>\s*<answer>([^<]*)</answer>\s*"
    found = re.fullmatch(form, text, re.DOTALL)
    is_one = text.count("<answer>") == 1 and text.count("</think>") == 1
    return found[1].strip() if found and is_one else None


def _score(text, answer):
    return float((_answer(text) or "").upper() == str(answer).strip().upper())


def choice(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
