"""The jailed side of `math_equivalence.py`: read both answers, and compare them in time."""

from __future__ import annotations

import re
from typing import Any

from math_verify import verify
from sympy import Expr, FiniteSet, Interval, Rel, Set, Symbol, Tuple, nsimplify

from rft_core.rewards.answers.math_reading import (
    GoldValue,
    NoMathematics,
    WrongAnswer,
    check_size,
    drop_name,
    is_number,
    is_whole,
    names_in,
    plain_list,
    read,
    read_gold,
    read_named,
)
from rft_core.rewards.answers.math_sets import (
    Solutions,
    are_joined_otherwise,
    are_same_solutions,
    read_solutions,
)
from rft_core.rewards.answers.math_text import as_text, tidy
from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.answers.spelling import JOINING_WORDS
from rft_core.rewards.answers.units import name_different_units
from rft_core.rewards.completion_text import BOX, EXTRACTIONS
from rft_core.rewards.jailed.grading import (
    GradeTuple,
    Options,
    OutOfTimeError,
    grade_each,
    time_limit,
)

SECONDS = 1.0  # for the gold answer, and once more for the completion's
LONGEST_TEXT = 256
CLOSE = 5e-6  # of the gold number's size: math-verify rounds to six places, whatever the size

# What a number may be written with: anything else is a variable, a word or a relation.
NUMBER_WORDS = {
    "\\frac", "\\sqrt", "sqrt", "\\pi", "pi", "e", "i", "\\cdot", "\\times", "\\div", "\\ln",
    "\\log", "\\exp", "\\sin", "\\cos", "\\tan", "\\circ", "\\arcsin", "\\arccos", "\\arctan",
    "\\infty", "\\pm", "\\binom",
}  # fmt: skip
GOLD_WORDS = {"\\infty", "\\pm", "\\binom"}  # only where the gold answer has them as well
_NUMBER_SIGNS = re.compile(r"[0-9A-Za-z\\+\-*/^().{}\s%$√]*")
_ODD = re.compile(r"(?<![\d.,}!])0\d")  # 050 is no way to write 50
_PILE_UP = re.compile(r"[+-]\s*[+-]")
_WORD = re.compile(r"\\?[A-Za-z]+")
_SCIENTIFIC = re.compile(r"(?<=\d)[eE]([+-]?\d{1,3})\b")
_FRACTION_OF_DIGITS = re.compile(r"\\frac\s*\d\s*\d")


def grade_batch(batch: str, options: Options) -> list[GradeTuple]:
    """From within the jail."""
    return grade_each(grade_one, batch, options)


def grade_one(completion: str, gold_value: Any, options: Options) -> GradeTuple:
    answer = EXTRACTIONS[options["extraction"]](completion).text or ""
    if name_different_units(str(gold_value or ""), answer):
        return 0.0, "The answer names another unit than the gold answer.", ""
    if _is_same_text(answer, gold_value):
        return 1.0, "It is the gold answer's text.", ""
    score, reason, flag = _compare(completion, gold_value, options)
    if score is None and options["same_text"] and gold_value:
        return 0.0, f"It is not the gold answer's text. {reason}", flag
    return score, reason, flag


def _compare(completion: str, gold_value: Any, options: Options) -> GradeTuple:
    extraction = options["extraction"]
    try:
        with time_limit(SECONDS):
            gold = read_gold(_text_of_gold(gold_value, options["column"]))
    except (OutOfTimeError, WrongAnswer) as error:
        if isinstance(error, NoMathematics) and _is_part(completion, str(gold_value), extraction):
            return 0.0, "It is a number, and the gold answer says more.", ""
        why = error.args[0] if error.args else f"To read it takes longer than {SECONDS} s."
        return None, f"The row's gold answer cannot be used. {why}", ""
    try:
        with time_limit(SECONDS):
            right = _is_right(_read_text(completion, extraction), gold)
    except OutOfTimeError:
        return 0.0, f"Comparing took longer than {SECONDS} s.", "slow_answer"
    except WrongAnswer as error:
        flag = error.args[1] if len(error.args) > 1 else ""
        return 0.0, str(error.args[0]), flag
    verdict = "equal" if right else "not equal"
    return float(right), f"It is {verdict} to {gold.text[:60]}.", ""


def _text_of_gold(value: Any, column: str) -> str:
    if value is None or isinstance(value, bool):
        raise WrongAnswer(f"There is none in '{column}'.")
    return str(value)


def _is_same_text(answer: str, gold_value: Any) -> bool:
    """Whether both are spelt alike, once they are without their box."""
    gold = str(gold_value or "")
    if isinstance(gold_value, bool):
        return False
    texts = [EXTRACTIONS["boxed"](one).text if BOX in one else one for one in (gold, answer)]
    if any(not text or len(text) > LONGEST_TEXT for text in texts):
        return False
    one, other = (as_text(str(text)) for text in texts)
    return one == other != ""


def _is_part(completion: str, gold: str, extraction: str) -> bool:
    """Whether a plain number answers what holds numbers, and is more than one."""
    answer = parse_number(EXTRACTIONS[extraction](completion).text or "")
    return answer is not None and any(sign.isdigit() for sign in gold)


def _read_text(completion: str, extraction: str) -> str:
    """The tidy text of the answer, out of its box."""
    found = EXTRACTIONS[extraction](completion)
    if found.text is None:
        raise WrongAnswer(found.problem, found.flags[0] if found.flags else "")
    if len(found.text) > 4 * LONGEST_TEXT:
        raise WrongAnswer(f"An answer of {len(found.text):,} characters cannot be compared.")
    text = tidy(found.text)
    if BOX in text:
        boxed = EXTRACTIONS["boxed"](text).text
        if boxed is None or not text.startswith(BOX) or not text.endswith("}"):
            raise WrongAnswer("There is something around the box in the answer.")
        text = tidy(boxed)
    check_size(text)
    return text


def _is_right(text: str, gold: GoldValue) -> bool:
    if gold.named:
        return _are_same_names(text, gold)
    if are_joined_otherwise(gold.written, text):
        raise WrongAnswer("One answer joins its parts by 'and', the other by 'or'.")
    allows_same = _allow_same_numbers(text, gold)
    if allows_same is not None:
        return allows_same
    if isinstance(gold.value, Rel):
        return _is_same_relation(_read_whole(text), gold.value)
    if len(names_in(text)) > 1:
        raise WrongAnswer("The answer gives values to names, the gold answer does not.")
    text = plain_list(drop_name(text))
    if is_number(gold.value):
        if _ODD.search(text) or _PILE_UP.search(text):
            raise WrongAnswer("The answer writes a number in an odd way.", "odd_number")
        exact, wanted = parse_number(text), parse_number(gold.text)
        if exact is not None and wanted is not None:  # math-verify would round to six digits
            if ("%" in text) == ("%" in gold.text):
                return exact == wanted
            share, number = (exact, wanted) if "%" in text else (wanted, exact)
            return share == 100 * number or (share == number and abs(share) > 1)
        text = _check_number(text, gold.text)
    return _is_same_value(_read_whole(text), gold.value)


def _allow_same_numbers(text: str, gold: GoldValue) -> bool | None:
    """Of inequalities and intervals: whether both allow the same. None where either is neither."""
    wanted = read_solutions(gold.written) or gold.value
    if not isinstance(wanted, Solutions | Set):
        return None
    if numbers := read_solutions(text):
        return are_same_solutions(numbers, wanted)
    answer = read(drop_name(text)) if isinstance(wanted, Solutions) else None
    if not isinstance(answer, Set) or isinstance(answer, FiniteSet):
        return None
    return bool(verify(wanted.numbers, answer, timeout_seconds=None))


def _read_whole(text: str) -> Any:
    answer = read(text) if is_whole(text) else None
    if answer is None:
        raise WrongAnswer("The answer is not mathematics that can be read.")
    return answer


def _is_same_relation(answer: Any, gold: Rel) -> bool:
    """A value alone answers an equation that gives one to a name."""
    sides = (gold.lhs, gold.rhs)
    if not isinstance(answer, Rel) and not any(isinstance(side, Symbol) for side in sides):
        raise WrongAnswer("The gold answer is an equation or inequality, the answer is not.")
    return bool(verify(gold, answer, timeout_seconds=None))


def _is_same_value(answer: Any, gold: Any) -> bool:
    if is_number(gold) and not is_number(answer):
        raise WrongAnswer("The answer is not one number.")
    if isinstance(gold, Symbol):
        return isinstance(answer, Expr) and bool((answer - gold).equals(0))
    if isinstance(gold, Expr) and not _symbols(answer) <= _symbols(gold):
        raise WrongAnswer("The answer has letters that the gold answer does not have.")
    if isinstance(gold, FiniteSet) != isinstance(answer, FiniteSet):
        raise WrongAnswer("One of the two answers is a set of values, the other is not.")
    if isinstance(answer, Rel):
        raise WrongAnswer("The answer is an equation or inequality, the gold answer is not.")
    is_right = bool(verify(gold, answer, timeout_seconds=None))
    return is_right and _are_close(answer, gold)


def _are_close(answer: Any, gold: Any) -> bool:
    """By relative error: to six places, all that is tiny would be the same."""
    if isinstance(gold, FiniteSet) and isinstance(answer, FiniteSet):
        return all(any(_are_close(one, other) for one in answer.args) for other in gold.args)
    if isinstance(gold, Tuple | Interval) and type(gold) is type(answer):
        return all(map(_are_close, answer.args, gold.args))
    if not (is_number(gold) and is_number(answer)):
        return True
    try:
        one, other = complex(answer.evalf(15)), complex(gold.evalf(15))
    except (TypeError, OverflowError):  # a value with a ±
        return True
    if one == other or abs(one - other) <= CLOSE * abs(other):
        return True
    difference = nsimplify(answer, rational=True) - nsimplify(gold, rational=True)
    return bool(difference.equals(0))


def _are_same_names(text: str, gold: GoldValue) -> bool:
    """The same values of the same names, in any order; or a tuple, where the gold answer is one."""
    if named := read_named(text):
        if named.keys() != gold.named.keys():
            raise WrongAnswer("The answer gives values to other names than the gold answer does.")
        return all(_is_same_value(value, gold.named[name]) for name, value in named.items())
    if gold.value is not None and not names_in(text):
        return _is_same_value(_read_whole(text), gold.value)
    raise WrongAnswer("The gold answer gives values to names, the answer does not.")


def _check_number(text: str, gold_text: str) -> str:
    """The text without its unit; refused where it could say more than one number."""
    plain = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    plain = re.sub(r"\\[%$ ]", " ", plain)
    plain = re.sub(r"(\\sqrt|\\log)(?:\[\d{1,2}\]|_\{?\d+\}?)", r"\1", plain)
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


def _symbols(value: Any) -> set[str]:
    return {str(symbol) for symbol in getattr(value, "free_symbols", ())}
