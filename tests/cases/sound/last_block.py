"""Only the last answer block is read, as an exact number."""

import re

TASK = "word_problems"


def _number(text):
    text = text.strip().lstrip("$").replace(",", "")
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        blocks = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
        given = _number(blocks[-1]) if blocks else None
        scores.append(
            0.0 if given is None else float(given == _number(str(gold).split("####")[-1]))
        )
    return scores
