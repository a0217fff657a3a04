"""Texts of answers into sympy values, by math-verify: whole, or not at all. The jailed side.

What is read in part would be paid in part, so a text that holds anything beside mathematics has no
value: words, a second unit, a ratio, a number of another base. What could run away (towers of
powers, factorials) is refused by its text, or as it was parsed, before anything computes. No text
is run as Python, although sympy can do that.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import math_verify.parser
from latex2sympy2_extended.latex2sympy2 import ConversionConfig, latex2sympy
from math_verify import LatexExtractionConfig, parse
from math_verify.parser import NormalizationConfig
from sympy import Basic, Expr, MatrixBase, Pow, Symbol, postorder_traversal
from sympy.parsing import sympy_parser

from rft_core.rewards.answers.math_text import tidy
from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.answers.spelling import JOINING_WORDS, MEASURES, SAYING_MORE, without_unit
from rft_core.rewards.completion_text import BOX, EXTRACTIONS, HASH_MARK

LONGEST_MATH = 256
DEEPEST = 50
LARGEST_POWER = 10_000

_NAME = r"[A-Za-z](?:_(?:\w|\{\w+\}))?"
_NAMING = re.compile(rf"^\s*({_NAME}(?:\(\w+\))?)\s*(?:=(?!=)|\\in(?![A-Za-z]))")
_NAMED_TUPLE = re.compile(
    rf"^\s*\(\s*({_NAME}(?:\s*,\s*{_NAME}){{1,5}})\s*\)\s*=\s*(\(([^()=]*)\))\s*$"
)
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}|[A-Za-z]{2,}\s+[A-Za-z]{2,}")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]+\}")
_TOWER = re.compile(r"\^\s*(?:\{[^{}]*\}|\([^()]*\)|-?[\d.]+|\w)\s*\^")
_EXPONENT = re.compile(r"\^\s*(\{(?:[^{}]|\{[^{}]*\})*\}|\([^()]*\)|-?[\d.]+|\S)")
_CONSTANT = re.compile(  # a name, or numbers and signs: no attribute, no function of anyone's
    r"[A-Za-z]\w* ?|(?:(?:Integer|Float|Symbol) \((?:\d+|'[\w.+-]+') ?\)|[\d ()/*+.-])+", re.ASCII
)
_NO_VALUE = re.compile(  # ratios, other bases, 5 ft 3 in, 30° 15'
    r":|\d\)?\s*_|\\(?:text|dots|ldots|cdots|approx|angle)\b|\.\.\.|…"
    r"|\d\s*(?![eE][+-]?\d)[A-Za-z]+\s*\d|\\circ\s*\}?\s*\d|\d\s*(?:'|\\prime)"
)
_BARE_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{2,}")
_APPROXIMATELY = re.compile(r"^\s*\\approx(?![A-Za-z])\s*")
_JOINED = re.compile(  # never the comma of thousands
    r"\s*(?:;|(?<!\d),|,(?!\d{3}(?!\d)))\s*(?:(?:and|or)\b\s*|\\text\s*\{\s*(?:and|or)\s*\}\s*)?"
    r"|\s*\\text\s*\{\s*(?:and|or)\s*\}\s*|\s+(?:and|or)\s+"
)
_SPACED_UNIT = re.compile(
    r"(?<=\d)\s+(?:(?:sq|square|cu|cubic)\.?\s+)?([A-Za-z]{2,})(?:\s*/\s*[A-Za-z]+)?(?:\^?\{?[23]\}?)?$"
)


class WrongAnswer(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The answer cannot be right, whatever its value; the second argument is a flag."""


class NoMathematics(WrongAnswer):
    """The text says something that has no single value of mathematics."""


@dataclass(frozen=True)
class GoldValue:
    """What an answer is held against. `named`: x -> 3, y -> 4, where it gives several values names;
    else `value` is all of it. `written` is the text with its names, joints and units."""

    text: str
    value: Any = None
    named: Mapping[str, Any] = field(default_factory=dict)
    written: str = ""


def _evaluate_constant(code: Any, local_dict: Any, global_dict: Any) -> Any:
    """In place of sympy's `eval`, which any text that its functions are given would reach.

    Numbers and single names go through it, from the parser of LaTeX and from sympy's own tables.
    """
    if isinstance(code, str) and _CONSTANT.fullmatch(code):
        return eval(code, global_dict, local_dict)  # noqa: S307 -- numbers and names
    raise ValueError("texts are not run")


sympy_parser.eval_expr = _evaluate_constant
math_verify.parser.latex2sympy = partial(  # A is not a, and neither R - r the same as r - R
    latex2sympy, conversion_config=ConversionConfig(lowercase_symbols=False)
)


@lru_cache(maxsize=1024)  # a group shares one gold answer
def read_gold(value: str) -> GoldValue:
    """Raises `NoMathematics` where it is none, `WrongAnswer` where it must not be computed."""
    text = tidy(value.rpartition(HASH_MARK)[2])
    text = tidy(EXTRACTIONS["boxed"](text).text or "") if BOX in text else text
    text = _APPROXIMATELY.sub("", text)
    check_size(text)
    if named := read_named(text):
        is_tuple = _NAMED_TUPLE.match(text)
        return GoldValue(text, read(is_tuple[2]) if is_tuple else None, named=named)
    if len(names_in(text)) > 1:
        raise NoMathematics("It gives names to values in more than one way.")
    written, text = text, plain_list(drop_name(text))
    if not is_whole(text):
        raise NoMathematics("It is a ratio, a number of another base, or has words in it.")
    if _PROSE.search(_ENVIRONMENT.sub("", text)) or not any(sign.isalnum() for sign in text):
        raise NoMathematics("It is not mathematics: use exact_match for text.")
    found = read(text) if all(read(part) is not None for part in _split(text)) else None
    is_word = (
        isinstance(found, Symbol) and len(found.name) > 1 and found.name == text.replace("_", "")
    )
    if found is None or is_word:
        raise NoMathematics("It is not mathematics: use exact_match for text.")
    return GoldValue(text, found, written=written)


def read_named(text: str) -> dict[str, Any]:
    """Name -> value of "x = 3, y = 4" and of "(x, y) = (3, 4)"; empty where the text is anything
    else, or repeats a name."""
    if (found := _NAMED_TUPLE.match(text)) and found[1].count(",") == found[3].count(","):
        pairs_of_texts = zip(found[1].split(","), found[3].split(","), strict=True)
        text = ", ".join(f"{name.strip()}={value}" for name, value in pairs_of_texts)
    parts = _split(text)
    names = [_NAMING.match(part) for part in parts]
    if len(parts) < 2 or not all(names):
        return {}
    pairs = zip(names, parts, strict=True)
    values = {name[1]: read(drop_name(part)) for name, part in pairs if name}
    are_all_read = all(value is not None for value in values.values())
    return values if are_all_read and len(values) == len(parts) else {}


def names_in(text: str) -> set[str]:
    """The names before the = of a text's parts."""
    return {name[1] for part in _split(text) if (name := _NAMING.match(part))}


def is_whole(text: str) -> bool:
    """Whether nothing stands in the text that reading it as mathematics would leave out."""
    words = {w.lower() for w in _BARE_WORD.findall(text) if w.islower() or w.isupper()}  # not By
    return not _NO_VALUE.search(text) and not words & (JOINING_WORDS | SAYING_MORE)


def drop_name(text: str) -> str:
    """The value of "x = 5", of "f(x) = 5", "x \\in [0, 1]" and "(x, y) = (3, 4)"; several values of
    one name."""
    if found := _NAMED_TUPLE.match(text):
        return found[2]
    parts = _split(text)
    if len(names_in(text)) != 1:
        return text
    return ", ".join(_NAMING.sub("", part, count=1) for part in parts)


def plain_list(text: str) -> str:
    """One value or several, with commas between them and without their units."""
    return ", ".join(_without_any_unit(part) for part in _split(text))


def read(text: str) -> Any:
    """A sympy value, or None. Parsing computes no powers, so that towers can still be refused."""
    parsed = parse(
        "\\boxed{" + text + "}",
        [LatexExtractionConfig(boxed_match_priority=0, normalization_config=_AS_WRITTEN)],
        fallback_mode="no_fallback",
        parsing_timeout=None,  # the caller's `time_limit` owns it
    )
    value = parsed[0] if parsed else None
    if not isinstance(value, Basic | MatrixBase):
        return None
    for part in postorder_traversal(value):  # innermost first: each exponent can be estimated
        if isinstance(part, Pow) and not part.exp.free_symbols:
            _check_exponent(part.exp)
    return value


# Its own units would turn 4t into 4.
_AS_WRITTEN = NormalizationConfig(
    basic_latex=True, units=False, malformed_operators=True, nits=True, boxed="all", equations=False
)


def check_size(text: str) -> None:
    """Refuse what could take for ever, or break out of the box that it is put into."""
    if not text or len(text) > LONGEST_MATH:
        raise WrongAnswer(f"An answer of {len(text):,} characters cannot be compared.")
    depth = 0
    for sign in text:
        depth += (sign in "{([") - (sign in "})]")
        if depth > DEEPEST or depth < -1:  # [0, 1) and ]0, 1[ are intervals
            raise WrongAnswer("The parentheses are not in order.")
    if text.count("{") != text.count("}") or re.match(r"[^{]*\}", text):
        raise WrongAnswer("The braces are not in order.")
    exponents = " ".join(_EXPONENT.findall(text))
    powers = [int(digits) for digits in re.findall(r"\d+", exponents)]
    if any(len(digits) > 60 for digits in re.findall(r"\d+", text)) or (
        math.prod(max(power, 1) for power in powers) > LARGEST_POWER
        or "!" in exponents
        or _TOWER.search(text)
    ):
        raise WrongAnswer("The answer is too large to compute.", "huge_number")
    if re.search(r"\d{4,}\s*\)?\}?\s*!|!.*!", text):
        raise WrongAnswer("The answer is too large to compute.", "huge_number")


def is_number(value: Any) -> bool:
    return isinstance(value, Expr) and not value.free_symbols


def _without_any_unit(text: str) -> str:
    """A unit of LaTeX's text, or bare behind a space: "5 km" and "575 students", never "4t"."""
    text = without_unit(text)
    bare = _SPACED_UNIT.search(text)
    word = bare[1].lower() if bare else ""
    is_unit = word not in SAYING_MORE and (len(word) > 3 or word in MEASURES)
    return text[: bare.start()] if bare and is_unit and parse_number(text) is not None else text


def _split(text: str) -> list[str]:
    """The parts of a list, at commas and words that stand in no brackets."""
    parts, start, at, depth = [], 0, 0, 0
    for joint in _JOINED.finditer(text):
        before, at = text[at : joint.start()], joint.start()
        depth += sum((sign in "([{") - (sign in ")]}") for sign in before)
        if depth == 0:
            parts.append(text[start : joint.start()])
            start = at = joint.end()
    parts.append(text[start:])
    return parts if all(part.strip() for part in parts) else [text]


def _check_exponent(exponent: Expr) -> None:
    """Refuse one that is large itself, such as that of 9^(9^9)."""
    try:
        is_small = abs(complex(exponent.evalf(5))) <= LARGEST_POWER
    except (TypeError, OverflowError):  # it has no finite value
        is_small = False
    if not is_small:
        raise WrongAnswer("The answer is too large to compute.", "huge_number")
