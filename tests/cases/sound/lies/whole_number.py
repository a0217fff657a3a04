"""One whole number in the answer block, and it is the gold one."""

import re

TASK = "gsm8k"


def _answer(text):
    if text.count("<think>") != 1 or text.count("<answer>") != 1:
        return None
    form = r"<think>([^<]*)</think>\s*<answer>([^<]*)</answer>\s*"
    found = re.fullmatch(form, text)
    return found[2].strip() if found and found[1].strip() else None


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    given = _answer(text) or ""
    return float(re.fullmatch(r"-?[0-9]{1,12}", given) is not None and int(given) == int(_gold(answer)))


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
