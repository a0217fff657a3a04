"""One whole number in the answer block, and it is the gold one."""

import re

TASK = "gsm8k"


def _answer(text):
    form = r"<think>.*\S.*</think>\s*<answer>([^<]*)</answer>\s*"
    found = re.fullmatch(form, text, re.DOTALL)
    is_one = text.count("<answer>") == 1 and text.count("</think>") == 1
    return found[1].strip() if found and is_one else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = _answer(text) or ""
    return float(re.fullmatch(r"-?[0-9]{1,12}", given) is not None and int(given) == int(_gold(answer)))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
