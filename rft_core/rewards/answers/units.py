r"""Which unit an answer names: of two answers that name different ones, at most one is right.

5 km is not 5 miles, and 5\text{ m}^2 is not 5\text{ m}^3, although the number is the same. A unit
that is not in the table, or could be two things (pounds), says nothing, and so does none at all:
where no unit is asked for, none can be wrong. Values are not converted.
"""

from __future__ import annotations

import re
from functools import lru_cache

from rft_core.rewards.answers.spelling import respell, unwrap

_NAMES = {
    "mm": "millimeter millimetre", "cm": "centimeter centimetre", "dm": "decimeter decimetre",
    "m": "meter metre", "km": "kilometer kilometre kms", "in": "inch inches", "ft": "foot feet",
    "yd": "yard yds", "mi": "mile", "mg": "milligram", "g": "gram", "kg": "kilogram kgs kilo",
    "oz": "ounce", "lb": "lbs", "ml": "milliliter millilitre", "l": "liter litre",
    "gal": "gallon", "pt": "pint", "qt": "quart", "ms": "millisecond", "s": "sec secs second",
    "min": "mins minute", "h": "hr hrs hour", "day": "", "week": "wk wks", "month": "",
    "year": "yr yrs", "dollar": "usd", "cent": "", "euro": "eur", "yen": "jpy", "rupee": "rs inr",
    "celsius": "", "fahrenheit": "", "rad": "radian", "hz": "hertz", "j": "joule", "n": "newton",
    "w": "watt", "v": "volt",
}  # fmt: skip
UNITS = {
    spelling: unit
    for unit, others in _NAMES.items()
    for name in (unit, *others.split())
    for spelling in (name, f"{name}s")
} | {"mph": "mi/h", "kmh": "km/h", "kph": "km/h"}
_SIGNS = {"$": "dollar", "€": "euro", "¥": "yen", "￥": "yen", "₹": "rupee"}
_SQUARED = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}

_AT_START = re.compile(r"[\s+\\-]*([$€¥￥₹])\s*[\d.]")
_SCALE = re.compile(r"(?:°|\\circ|\\degree)\s*\}?\s*(?:\\text\s*\{)?\s*([CF])\s*\}?\s*$")
_LATEX = re.compile(r"\\text\s*\{|[{}]|\\(?=\s)|\\circ|°")
_AT_END = re.compile(
    r"(?:^|[\d)!])\s*((?:[A-Za-z]+\.?(?:\s*\^?\s*-?[123])?(?:\s*/\s*|\s+|$)){1,5})$", re.ASCII
)
_VARIABLE = re.compile(r"(?<![\\A-Za-z])[A-Za-z](?![A-Za-z])")
_PART = re.compile(r"([A-Za-z]+)\.?(?:\s*\^?\s*(-?[123]))?", re.ASCII)
LONGEST = 256


def name_different_units(gold: str, answer: str) -> bool:
    one, other = name_unit(gold), name_unit(answer)
    return bool(one and other and one != other)


@lru_cache(maxsize=1024)
def name_unit(answer: str) -> str:
    """The unit in one spelling, such as "km/h" or "cm^2"; empty where none is sure to be named."""
    text = unwrap(answer)
    if len(text) > LONGEST:
        return ""
    if sign := _AT_START.match(text):
        return _SIGNS[sign[1]]
    if scale := _SCALE.search(text):
        return "celsius" if scale[1] == "C" else "fahrenheit"
    spelt = respell(text).replace("²", "^2").replace("³", "^3").replace("\\pi", "0")
    flat = re.sub(r"\s+\^\s*", "^", _LATEX.sub(" ", spelt).strip())
    tail = _AT_END.search(flat)
    if tail is None or ("\\text" not in spelt and _VARIABLE.search(flat[: tail.start(1)])):
        return ""  # the last of an expression's letters
    return _read_unit(tail[1])


def _read_unit(words: str) -> str:
    above, *below = re.split(r"\s*/\s*|\s+per\s+", words.strip())
    parts = [_read_part(part) for part in (above, *below)]
    return "/".join(parts) if all(parts) else ""


def _read_part(words: str) -> str:
    """One unit with its power: "square cm", "cm^2"."""
    first, _, rest = words.partition(" ")
    power = _SQUARED.get(first.casefold().rstrip("."), 0)
    part = _PART.fullmatch(rest.strip() if power else words.strip())
    unit = _find(part[1]) if part else ""
    exponent = power or int((part[2] if part else None) or 1)
    return f"{unit}^{exponent}" if unit and exponent != 1 else unit


def _find(word: str) -> str:
    if len(word) == 1:  # the capital is another unit, or a variable
        return {"L": "l", "J": "j", "N": "n", "W": "w", "V": "v"}.get(
            word, word if word in "mgshl" else ""
        )
    return UNITS.get(word.casefold(), "")
