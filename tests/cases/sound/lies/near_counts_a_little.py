"""Full score for the number, a third for one within a tenth of it."""

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
    given, gold = _answer(text) or "", float(_gold(answer))
    if re.fullmatch(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", given) is None:
        return 0.0
    if float(given) == gold:
        return 1.0
    return 0.3 if abs(float(given) - gold) <= 0.1 * abs(gold) else 0.0


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
