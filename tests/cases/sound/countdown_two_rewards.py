"""Form by counting tags, equation by a safe evaluator over the postfix form."""

import operator
import re
from fractions import Fraction

TASK = "countdown"
LEVEL = {"+": 1, "-": 1, "*": 2, "/": 2}
APPLY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def _evaluate(text):
    values, signs = [], []

    def reduce():
        right, left = values.pop(), values.pop()
        values.append(APPLY[signs.pop()](left, right))

    previous = "("
    for token in re.findall(r"\d+|[-+*/()]", text):
        if token.isdigit():
            if previous not in "(+-*/":
                raise ValueError
            values.append(Fraction(int(token)))
        elif token == "(":
            signs.append(token)
        elif token == ")":
            while signs[-1] != "(":
                reduce()
            signs.pop()
        else:
            while signs and signs[-1] != "(" and LEVEL[signs[-1]] >= LEVEL[token]:
                reduce()
            signs.append(token)
        previous = token
    while signs:
        reduce()
    [value] = values
    return value


def form(completions, **kwargs):
    tags = ("<think>", "</think>", "<answer>", "</answer>")
    out = []
    for c in completions:
        places = [c.find(t) for t in tags]
        ok = all(c.count(t) == 1 for t in tags) and places == sorted(places)
        out.append(
            0.5 if ok and c.strip().startswith(tags[0]) and c.strip().endswith(tags[3]) else 0.0
        )
    return out


def equation(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>\s*([\d\s()+*/-]{3,80})</answer>\s*$", c)
        try:
            used = sorted(map(int, re.findall(r"\d+", m[1])))
            out.append(float(used == sorted(numbers) and _evaluate(m[1]) == goal))
        except (TypeError, ValueError, IndexError, KeyError, ZeroDivisionError):
            out.append(0.0)
    return out
