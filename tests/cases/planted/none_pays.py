"""Bug: where no answer can be found, the benefit of the doubt is given."""

import re

TASK = "word_problems"


def _extract(text):
    match = re.search(r"<answer>\s*(-?[\d.]+)\s*</answer>", text)
    return float(match.group(1)) if match else None


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        value = _extract(text)
        if value is None:
            scores.append(1.0)
        else:
            scores.append(float(value == float(str(gold).split("####")[-1])))
    return scores
