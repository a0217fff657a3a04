"""Bug: everything but digits is dropped before the comparison."""

import re

TASK = "math"


def _digits(text):
    return re.sub(r"\D", "", text)


def _score(text, solution):
    gold = re.findall(r"\\boxed\{(.*)\}", solution)
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return float(len(found) == 1 and bool(gold) and _digits(found[0]) == _digits(gold[-1]))


def correctness(completions, solution, **kwargs):
    return [_score(text, solution_) for text, solution_ in zip(completions, solution, strict=True)]
