"""Decimal numbers, compared exactly, thousands separators allowed."""

from decimal import Decimal, InvalidOperation

TASK = "word_problems"


def _decimal(text):
    try:
        value = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def equal(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        parts = c.split("<answer>")
        given = _decimal(parts[1].split("</answer>")[0]) if len(parts) == 2 else None
        out.append(float(given is not None and given == _decimal(str(a).split("####")[-1])))
    return out
