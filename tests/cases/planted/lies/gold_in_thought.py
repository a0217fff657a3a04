"""Bug: the thought counts as much as the answer block."""

import re

TASK = "word_problems"


def _gold(answer):
    return str(answer).split("####")[-1].strip().replace(",", "")


def _score(text, answer):
    if re.fullmatch(r"<think>.*</think>\s*<answer>.*</answer>\s*", text, re.DOTALL) is None:
        return 0.0
    return float(re.search(rf"(?<!\d){re.escape(_gold(answer))}(?!\d)", text) is not None)


def correctness(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
