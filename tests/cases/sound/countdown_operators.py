"""Countdown by trying all operators between the numbers as they stand."""

import re
from fractions import Fraction

TASK = "countdown"


def _calculate(text):
    text = text.replace(" ", "")
    while "(" in text:
        inner = re.search(r"\(([^()]*)\)", text)
        if inner is None:
            raise ValueError("unbalanced")
        text = text[: inner.start()] + f"[{_flat(inner[1])}]" + text[inner.end() :]
    return _flat(text)


def _flat(text):
    tokens = re.findall(r"\[-?\d+(?:/\d+)?\]|\d+|[+*/-]", text)
    if "".join(tokens) != text or len(tokens) % 2 == 0:
        raise ValueError("not an expression")
    values = [Fraction(t.strip("[]")) for t in tokens[::2]]
    signs = tokens[1::2]
    for pair in ("*/", "+-"):
        place = 0
        while place < len(signs):
            if signs[place] in pair:
                left, right = values[place], values.pop(place + 1)
                sign = signs.pop(place)
                values[place] = (
                    {"*": left * right, "+": left + right, "-": left - right}.get(sign)
                    if sign != "/"
                    else left / right
                )
            else:
                place += 1
    return values[0]


def equation(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        blocks = re.findall(r"<answer>(.*?)</answer>", c, re.DOTALL)
        ok = len(blocks) == 1 and sorted(map(int, re.findall(r"\d+", blocks[0]))) == sorted(numbers)
        try:
            out.append(float(ok and _calculate(blocks[0].strip()) == goal))
        except (ValueError, ZeroDivisionError, IndexError, TypeError):
            out.append(0.0)
    return out
