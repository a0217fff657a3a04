"""Bug: the first box anywhere counts, in the thought too."""

import re

TASK = "math"
BOX = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]*\})*)\}")


def _score(text, solution):
    gold = BOX.findall(solution)
    given = BOX.findall(text) or re.findall(r"<answer>(.*?)</answer>", text)
    return float(bool(gold and given) and given[0].strip() == gold[-1].strip())


def correctness(completions, solution, **kwargs):
    return [_score(text, solution_) for text, solution_ in zip(completions, solution, strict=True)]
