"""Read one number from an answer as people write it: $1,234.50, 50%, 3/4, 72 clips.

Strict where leniency would pay a guess: a range, a set, "1 or 2", an equation or a term with a
variable is no number. Values are exact fractions. Words for numbers ("fifty") are not read, and
digits beside one are not the number that they show: "3 dozens" is not 3. Where such a word may
also be a thing that is counted ("3 quarters": coins, or 3/4) the answer could mean either and is
refused; the number by itself is always read.
"""

from __future__ import annotations

import re
from fractions import Fraction

from rft_core.rewards.answers.spelling import (
    SHORT_UNITS,
    changes_value,
    respell,
    unwrap,
    without_unit,
)

LONGEST_NUMBER, LONGEST_TEXT = 100, 1000  # once it is plain, and before
LARGEST_EXPONENT = 300  # 1e999999999 would take all memory as a fraction

_UNIT = r"(?: [A-Za-z]+ (?:/[A-Za-z]+)? (?:\^?[23]|[²³])? )"
_NUMBER = re.compile(
    r"""
    (?: (?:US)?[$€£¥] \s? | (?:USD|EUR|GBP|INR|Rs\.?) \s )?
    (?P<sign>[+-]?) \s? [$€£¥]? \s?
    (?: (?P<whole>[1-9]\d*) \s (?=[1-9]\d*/) )?
    (?P<digits> (?!0\d) (?: \d{1,3}(?:,\d{3})+ | \d+ ) )? (?P<decimals> \.\d+ )?
    (?: [eE] (?P<exponent>[+-]?\d{1,3}) )?
    (?: \s? / \s? (?P<denominator>\d+) )?
    (?P<unit> \s? (?: [%$€£¥] | °[CF]? | UNITS | \( UNITS \) ) )?
    \.?
    """.replace("UNITS", f"{_UNIT} (?: \\s {_UNIT} ){{0,4}}"),
    re.VERBOSE | re.ASCII,
)
_FRACTION = re.compile(r"\\frac\s*(?:\{(\d+)\}\s*\{(\d+)\}|(\d)\s*(\d))", re.ASCII)
_SCIENTIFIC = re.compile(  # 6.02 \times 10^{23}
    r"(?<=\d)\s*(?:\\times|\\cdot|[×·*])\s*10\s*(?:\^|\*\*)\s*"
    r"(?:\{\s*([+-]?\d{1,3})\s*\}|([+-]?\d{1,3}))(?!\d)",
    re.ASCII,
)
_UNIT_IN_TEXT = re.compile(r"\\text\{([A-Za-z %/]*)\}", re.ASCII)
_PARTS = re.compile(r"[\s/()]+|\^?[23²³]")


def parse_number(text: str) -> Fraction | None:
    """The one number that `text` states, or None."""
    if len(text) > LONGEST_TEXT:
        return None
    text = _plain(text.strip())
    match = _NUMBER.fullmatch(text) if len(text) <= LONGEST_NUMBER else None
    if match is None or not (match["digits"] or match["decimals"]) or not _is_unit(match["unit"]):
        return None
    exponent = int(match["exponent"] or 0)
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    digits = (match["digits"] or "0").replace(",", "") + (match["decimals"] or "")
    value = Fraction(digits) * Fraction(10) ** exponent
    if match["whole"] and "." in digits:
        return None
    if match["denominator"]:
        if int(match["denominator"]) == 0:
            return None
        value = value / int(match["denominator"]) + int(match["whole"] or 0)
    return -value if match["sign"] == "-" else value


def show_number(value: Fraction) -> str:
    """A short form for a reason."""
    try:
        return f"{float(value):g}"
    except OverflowError:
        return "a number too large to write out"


def _plain(text: str) -> str:
    """LaTeX spelling turned into plain spelling, as far as single numbers need it."""
    text = respell(text).replace("−", "-").replace("\\$", "$").replace("\\%", "%")
    text = _FRACTION.sub(r" \1\3/\2\4", without_unit(text))
    text = _SCIENTIFIC.sub(r"e\1\2", text)
    text = " ".join(_UNIT_IN_TEXT.sub(r" \1", text).split())
    is_signed = text[:2] in ("(-", "(+") and text[-1] == ")" and text.count("(") == 1
    return text[1:-1] if is_signed else unwrap(text)


def _is_unit(unit: str | None) -> bool:
    return all(
        not changes_value(word.lower()) and (len(word) > 1 or word in SHORT_UNITS)
        for word in _PARTS.split(unit or "")
        if word
    )
