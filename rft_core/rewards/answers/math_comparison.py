"""The jailed side of `math_equivalence.py`: read both answers, and compare them in time.

What could run away (towers of powers, factorials) is refused by its text, or as it was parsed,
before anything computes. No text is run as Python, although sympy can do that.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Any

from math_verify import LatexExtractionConfig, parse, verify
from sympy import Basic, Expr, FiniteSet, MatrixBase, Pow, Rel, Symbol, postorder_traversal
from sympy.parsing import sympy_parser

from rft_core.rewards.answers.number_text import JOINING_WORDS, parse_number, unwrap
from rft_core.rewards.completion_text import BOX, EXTRACTIONS, HASH_MARK
from rft_core.rewards.jailed.grading import (
    GradeTuple,
    Options,
    OutOfTimeError,
    grade_each,
    time_limit,
)

SECONDS = 1.0  # for the gold answer, and once more for the completion's
LONGEST_MATH = 256
DEEPEST = 50
LARGEST_POWER = 10_000

# What a number may be written with: anything else is a variable, a word or a relation.
NUMBER_WORDS = {
    "\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "sqrt", "\\pi", "pi", "e", "i", "\\cdot", "\\times",
    "\\div", "\\left", "\\right", "\\ln", "\\log", "\\exp", "\\sin", "\\cos", "\\tan", "\\circ",
    "\\arcsin", "\\arccos", "\\arctan", "\\infty", "\\pm", "\\binom",
}  # fmt: skip
SPELLINGS = {"−": "-", "π": "\\pi ", "°": "^\\circ", "×": "\\times ", "÷": "\\div ", "·": "\\cdot "}
GOLD_WORDS = {"\\infty", "\\pm", "\\binom"}  # only where the gold answer has them as well
_NUMBER_SIGNS = re.compile(r"[0-9A-Za-z\\+\-*/^().{}\s%$°·×÷π√]*")
_PI = re.compile(r"(?<![\\A-Za-z])pi(?![A-Za-z])")
_ROOT = re.compile(r"√\s*(\d+|\([^()]*\))")
_ODD = re.compile(r"(?<![\d.,}!])0\d")  # 050 is no way to write 50
_PILE_UP = re.compile(r"[+-]\s*[+-]")
_WORD = re.compile(r"\\?[A-Za-z]+")
_NAMING = re.compile(r"^\s*[A-Za-z](?:\([A-Za-z]\))?\s*=(?!=)")
_PROSE = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{4,}|[A-Za-z]{2,}\s+[A-Za-z]{2,}")
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{[a-z]+\}")
_TOWER = re.compile(r"\^\s*(?:\{[^{}]*\}|\([^()]*\)|-?[\d.]+|\w)\s*\^")
_UNIT = re.compile(r"(?<=[\d})])\s*\\(?:text|mathrm)\{([A-Za-z ]{1,20})\}")
_EXPONENT = re.compile(r"\^\s*(\{(?:[^{}]|\{[^{}]*\})*\}|\([^()]*\)|-?[\d.]+|\S)")
_SCIENTIFIC = re.compile(r"(?<=\d)[eE]([+-]?\d{1,3})\b")
_CONSTANT = re.compile(  # a name, or numbers and signs: no attribute, no function of anyone's
    r"[A-Za-z]\w* ?|(?:(?:Integer|Float|Symbol) \((?:\d+|'[\w.+-]+') ?\)|[\d ()/*+.-])+", re.ASCII
)
_FRACTION_OF_DIGITS = re.compile(r"\\[dt]?frac\s*\d\s*\d")


class WrongAnswer(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The answer cannot be right, whatever its value; the second argument is a flag."""


def grade_batch(batch: str, options: Options) -> list[GradeTuple]:
    """From within the jail."""
    return grade_each(grade_one, batch, options)


def _evaluate_constant(code: Any, local_dict: Any, global_dict: Any) -> Any:
    """In place of sympy's `eval`, which any text that its functions are given would reach.

    Numbers and single names go through it, from the parser of LaTeX and from sympy's own tables.
    """
    if isinstance(code, str) and _CONSTANT.fullmatch(code):
        return eval(code, global_dict, local_dict)  # noqa: S307 -- numbers and names
    raise ValueError("texts are not run")


sympy_parser.eval_expr = _evaluate_constant


def grade_one(completion: str, gold_value: Any, options: Options) -> GradeTuple:
    try:
        with time_limit(SECONDS):
            gold_text, gold = _read_gold(gold_value, options["column"])
    except (OutOfTimeError, WrongAnswer) as error:
        return None, f"The row's gold answer cannot be used. {error}", ""
    try:
        with time_limit(SECONDS):
            right = _is_right(completion, gold_text, gold, options["extraction"])
    except OutOfTimeError:
        return 0.0, f"Comparing took longer than {SECONDS} s.", "slow_answer"
    except WrongAnswer as error:
        flag = error.args[1] if len(error.args) > 1 else ""
        return 0.0, str(error.args[0]), flag
    if right:
        return 1.0, f"It is equal to {gold_text[:60]}.", ""
    return 0.0, f"It is not equal to {gold_text[:60]}.", ""


def _read_gold(value: Any, column: str) -> tuple[str, Any]:
    if value is None or isinstance(value, bool):
        raise WrongAnswer(f"There is none in '{column}'.")
    return _parse_gold(str(value))


@lru_cache(maxsize=1024)  # a group shares one gold answer
def _parse_gold(value: str) -> tuple[str, Any]:
    text = _tidy(value.rpartition(HASH_MARK)[2])
    text = _tidy(EXTRACTIONS["boxed"](text).text or "") if BOX in text else text
    _check_size(text)
    if _PROSE.search(_ENVIRONMENT.sub("", text)) or not any(sign.isalnum() for sign in text):
        raise WrongAnswer("It is not mathematics: use exact_match for text.")
    gold = _parse(text)
    if gold is None or (isinstance(gold, Symbol) and len(gold.name) > 1):
        raise WrongAnswer("It is not mathematics: use exact_match for text.")
    return text, gold


def _is_right(completion: str, gold_text: str, gold: Any, extraction: str) -> bool:
    found = EXTRACTIONS[extraction](completion)
    if found.text is None:
        raise WrongAnswer(found.problem, found.flags[0] if found.flags else "")
    text = _tidy(found.text)
    if BOX in text:
        boxed = EXTRACTIONS["boxed"](text).text
        if boxed is None or not text.startswith(BOX) or not text.endswith("}"):
            raise WrongAnswer("There is something around the box in the answer.")
        text = _tidy(boxed)
    _check_size(text)
    if _is_number(gold):
        if _ODD.search(text) or _PILE_UP.search(text):
            raise WrongAnswer("The answer writes a number in an odd way.", "odd_number")
        exact, wanted = parse_number(text), parse_number(gold_text)
        if exact is not None and wanted is not None and ("%" not in text or exact == wanted):
            return exact == wanted  # math-verify would round to six digits
        text = _check_number(text, gold_text)
    answer = _parse(text)
    if answer is None:
        raise WrongAnswer("The answer is not mathematics that can be read.")
    if _is_number(gold) and not _is_number(answer):
        raise WrongAnswer("The answer is not one number.")
    if isinstance(gold, Expr) and not _symbols(answer) <= _symbols(gold):
        raise WrongAnswer("The answer has letters that the gold answer does not have.")
    if isinstance(gold, FiniteSet) != isinstance(answer, FiniteSet):
        raise WrongAnswer("One of the two answers is a set of values, the other is not.")
    if isinstance(answer, Rel) and not isinstance(gold, Rel):
        raise WrongAnswer("The answer is an equation or inequality, the gold answer is not.")
    return bool(verify(gold, answer, timeout_seconds=None))


def _tidy(text: str) -> str:
    text = unwrap(text.strip().removesuffix("."))
    for sign, spelling in SPELLINGS.items():
        text = text.replace(sign, spelling)
    text = _PI.sub(r"\\pi", _ROOT.sub(r"\\sqrt{\1}", text))
    for sign in ("$$", "$"):
        if len(text) > 2 * len(sign) and text.startswith(sign) and text.endswith(sign):
            text = text[len(sign) : -len(sign)].strip()
    text = text.removeprefix("\\(").removesuffix("\\)").strip()
    return _NAMING.sub("", text.replace("**", "^"), count=1)


def _check_size(text: str) -> None:
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


def _check_number(text: str, gold_text: str) -> str:
    """The text without its unit; refused where it could say more than one number."""
    text = _UNIT.sub(lambda unit: "" if _is_unit(unit[1]) else unit[0], text)
    plain = re.sub(r"(?<=\d)(?:,|\{,\}|\\[,!])(?=\d{3}(?!\d))", "", text)
    plain = re.sub(r"\\[,!;%$ ]", " ", plain)
    plain = re.sub(r"(\\sqrt|\\log)(?:\[\d\]|_\{?\d+\}?)", r"\1", plain)
    allowed = NUMBER_WORDS - {word for word in GOLD_WORDS if word not in gold_text}
    words = _WORD.findall(_SCIENTIFIC.sub(" ", plain))
    if any(word not in allowed for word in words):
        flag = "several_numbers" if JOINING_WORDS & {word.lower() for word in words} else ""
        raise WrongAnswer("The answer has words or letters, and the gold answer is a number.", flag)
    if not _NUMBER_SIGNS.fullmatch(plain if "!" not in gold_text else plain.replace("!", "")):
        several = len(re.findall(r"\d+", text)) > 1
        raise WrongAnswer("The answer is not one number.", "several_numbers" if several else "")
    if re.search(r"\d\s+\d|\\\{|\\\}", _FRACTION_OF_DIGITS.sub("", plain)):
        raise WrongAnswer("The answer is not one number.", "several_numbers")
    return _SCIENTIFIC.sub(r"\\times 10^{\1}", text)


def _is_unit(words: str) -> bool:
    return not JOINING_WORDS & set(words.lower().split())


def _parse(text: str) -> Any:
    """A sympy value, or None. Parsing computes no powers, so that towers can still be refused."""
    parsed = parse(
        "\\boxed{" + text + "}",
        [LatexExtractionConfig(boxed_match_priority=0)],
        fallback_mode="no_fallback",
        parsing_timeout=None,  # `time_limit` owns it
    )
    value = parsed[0] if parsed else None
    if not isinstance(value, Basic | MatrixBase):
        return None
    for part in postorder_traversal(value):  # innermost first: each exponent can be estimated
        if isinstance(part, Pow) and not part.exp.free_symbols:
            _check_exponent(part.exp)
    return value


def _check_exponent(exponent: Expr) -> None:
    """Refuse one that is large itself, such as that of 9^(9^9)."""
    try:
        is_small = abs(complex(exponent.evalf(5))) <= LARGEST_POWER
    except (TypeError, OverflowError):  # it has no finite value
        is_small = False
    if not is_small:
        raise WrongAnswer("The answer is too large to compute.", "huge_number")


def _is_number(value: Any) -> bool:
    return isinstance(value, Expr) and not value.free_symbols


def _symbols(value: Any) -> set[str]:
    return {str(symbol) for symbol in getattr(value, "free_symbols", ())}
