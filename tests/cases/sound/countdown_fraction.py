"""Countdown with a parser of its own."""

import re
from fractions import Fraction

TASK = "countdown"


def _parse(tokens):
    value = _product(tokens)
    while tokens and tokens[0] in "+-":
        value = value + _product(tokens) if tokens.pop(0) == "+" else value - _product(tokens)
    return value


def _product(tokens):
    value = _atom(tokens)
    while tokens and tokens[0] in "*/":
        value = value * _atom(tokens) if tokens.pop(0) == "*" else value / _atom(tokens)
    return value


def _atom(tokens):
    token = tokens.pop(0)
    if token == "(":
        value = _parse(tokens)
        if tokens.pop(0) != ")":
            raise ValueError("unbalanced")
        return value
    return Fraction(int(token))


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        m = re.search(r"<answer>([\d\s()+*/-]{1,100})</answer>\s*$", c)
        try:
            tokens = re.findall(r"\d+|[()+*/-]", m.group(1))
            used = sorted(int(t) for t in tokens if t.isdigit())
            ok = used == sorted(numbers) and _parse(tokens) == goal and not tokens
        except (AttributeError, ValueError, IndexError, ZeroDivisionError, RecursionError):
            ok = False
        out.append(float(ok))
    return out
