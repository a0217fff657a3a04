"""Read one number from an answer as people write it: $1,234.50, 50%, 3/4, 72 clips.

Strict where leniency would pay a guess: a range, a set, "1 or 2", an equation or a term with a
variable is no number. Values are exact fractions. Words for numbers ("fifty") are not read.
"""

from __future__ import annotations

import re
from fractions import Fraction

LONGEST_NUMBER = 100
LARGEST_EXPONENT = 300  # 1e999999999 would take all memory as a fraction

_NUMBER = re.compile(
    r"""
    (?P<sign>[+-]?) \s? [$€£]? \s?
    (?P<digits> (?!0\d) (?: \d{1,3}(?:,\d{3})+ | \d+ ) )? (?P<decimals> \.\d+ )?
    (?: [eE] (?P<exponent>[+-]?\d{1,3}) )?
    (?: \s? / \s? (?P<denominator>\d+) )?
    (?P<unit> \s? (?:%|°|[A-Za-z]+) (?:\s[A-Za-z]{2,})? )?
    \.?
    """,
    re.VERBOSE | re.ASCII,
)
_FRACTION = re.compile(r"\\[dt]?frac\{(\d+)\}\{(\d+)\}", re.ASCII)
_UNIT_IN_TEXT = re.compile(r"\\(?:text|mathrm)\{([A-Za-z %]*)\}", re.ASCII)
SHORT_UNITS = frozenset("mgshlLJNVW%°")  # other single letters are variables
JOINING_WORDS = {
    "or",
    "and",
    "to",
    "not",
    "plus",
    "minus",
    "times",
    "over",
    "by",
    "of",
    "than",
    "if",
}
MULTIPLYING_WORDS = {"dozen", "hundred", "thousand", "million", "billion"}


def parse_number(text: str) -> Fraction | None:
    """The one number that `text` states, or None."""
    text = _plain(text.strip())
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if match is None or not (match["digits"] or match["decimals"]) or not _is_unit(match["unit"]):
        return None
    exponent = int(match["exponent"] or 0)
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    digits = (match["digits"] or "0").replace(",", "") + (match["decimals"] or "")
    value = Fraction(digits) * Fraction(10) ** exponent
    if match["denominator"]:
        if int(match["denominator"]) == 0:
            return None
        value /= int(match["denominator"])
    return -value if match["sign"] == "-" else value


def show_number(value: Fraction) -> str:
    """A short form for a reason."""
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "a number too large to write out"


def _plain(text: str) -> str:
    """LaTeX spelling turned into plain spelling, as far as single numbers need it."""
    text = text.replace("−", "-").replace("\\$", "$").replace("\\%", "%")
    for spacing in ("\\,", "\\!", "\\;", "{,}"):
        text = text.replace(spacing, "," if spacing == "{,}" else "")
    text = _FRACTION.sub(r"\1/\2", text)
    text = _UNIT_IN_TEXT.sub(r" \1", text).replace("  ", " ").strip()
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] == "$" else text


def _is_unit(unit: str | None) -> bool:
    words = (unit or "").split()
    return all(
        word.lower() not in JOINING_WORDS | MULTIPLYING_WORDS
        and (len(word) > 1 or word in SHORT_UNITS)
        for word in words
    )
