"""Compare the final answer with the row's gold answer: as text, as a number, or as a choice.

All three take the answer by one of the ways of `completion_text.py` and give 1 or 0; a number that
is another one may earn a part. A row without a usable gold answer is left unscored, because that is
the row's fault and not the completion's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from rft_core.rewards.answers.number_text import parse_number, show_number
from rft_core.rewards.answers.spelling import unwrap
from rft_core.rewards.answers.units import name_different_units
from rft_core.rewards.completion_text import EXTRACTIONS, HASH_MARK, Extracted
from rft_core.rewards.contract import Batch, Grade
from rft_core.types import Row

LETTERS = "ABCDEFGHIJ"
_LETTER_ALONE = re.compile(
    r"(?:(?:the )?(?:(?:correct|right|final) )?(?:answer|option|choice)(?: is)?:? ?)?"
    r"(?P<letter>.*)",
    re.IGNORECASE | re.DOTALL,
)
_STATED = re.compile(
    r"(?:(?:the )?(?:(?:correct|right|final) )?(?:answer|option|choice)(?: is)?:? ?)?"
    r"\(?(?P<letter>[a-j])\s*[).:]{1,2}\s*(?P<rest>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_MARKUP = re.compile(r"\*\*|\\text(?:bf|it|rm)?\s*\{|[{}$]")
_OPTION = re.compile(r"([a-j])\s*\)\s*(.*?)\s*(?='?\s*,\s*'?[a-j]\s*\)|'?\]?$)", re.IGNORECASE)
_MARK = re.compile(r"(?<![a-z0-9])([a-j])\s*[).:\-](?!\d*[a-z])")


def grade_exact_match(
    completion: str,
    row: Row,
    *,
    column: str = "answer",
    extraction: str = "auto",
    ignore_case: bool = False,
) -> Grade:
    """1 if the answer and the gold text are equal, white space aside."""
    gold = _gold_text(row, column)
    if gold is None:
        return Grade(None, f"The row has no text in '{column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return _no_answer(answer)
    given, wanted = " ".join(answer.text.split()), " ".join(gold.split())
    if ignore_case:
        given, wanted = given.casefold(), wanted.casefold()
    if given != wanted:
        return Grade(0.0, f"The answer is {_quoted(given)}, not {_quoted(wanted)}.")
    return Grade(1.0, f"The answer is {_quoted(wanted)}.")


def grade_numeric_match(
    completion: str,
    row: Row,
    *,
    column: str = "answer",
    extraction: str = "auto",
    tolerance: float = 0.0,
    relative_tolerance: float = 0.0,
    partial: float = 0.0,
) -> Grade:
    """1 if the answer is one number within a tolerance of the gold number, the wider of the two.

    `relative_tolerance` is a share of the gold number's size: 0.01 is one per cent. `partial`: what
    any other number earns.
    """
    gold = gold_number(row, column)
    if gold is None:
        return Grade(None, f"The row's '{column}' is not a number.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return _no_answer(answer)
    if name_different_units(_gold_text(row, column) or "", answer.text):
        return Grade(0.0, "The answer names another unit than the gold answer.")
    value = parse_number(answer.text)
    if value is None:
        several = len(re.findall(r"\d+", answer.text)) > 1
        flags = ("several_numbers",) if several else ()  # a range, a set, "1 or 2": hedging
        return Grade(0.0, f"The answer {_quoted(answer.text)} is not one number.", flags)
    allowed = max(Fraction(tolerance), Fraction(relative_tolerance) * abs(gold))
    if abs(value - gold) > allowed:
        return Grade(partial, f"The answer is {show_number(value)}, not {show_number(gold)}.")
    return Grade(1.0, f"The answer is {show_number(gold)}.")


def grade_choice(
    completion: str, row: Row, *, column: str = "answer", extraction: str = "auto"
) -> Grade:
    """1 if the answer is the letter of the right choice; B, (B), B. and "option B" are the same.

    The text of a choice may follow its letter, just as the row's `options` have it.
    """
    gold = read_choice(_gold_text(row, column) or "")
    if gold is None:
        return Grade(None, f"The row's '{column}' is not a letter from A to J.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return _no_answer(answer)
    letter = read_choice(answer.text) or _read_choice_with_text(answer.text, row.get("options"))
    letter = letter or _read_stated_choice(answer.text, row.get("options"))
    if letter is None:
        return Grade(0.0, f"The answer {_quoted(answer.text)} is not one letter.")
    return Grade(float(letter == gold), f"The answer is {letter}; {gold} is right.")


def read_choice(text: str) -> str | None:
    """The letter that `text` names, and names alone."""
    found = _LETTER_ALONE.fullmatch(unwrap(text).strip().rstrip(".").strip())
    letter = unwrap(found["letter"].strip("()[]{}:. ")) if found else ""
    return letter.upper() if len(letter) == 1 and letter.upper() in LETTERS else None


def _read_choice_with_text(text: str, options: Any) -> str | None:
    """The letter in "C) 80", if the choice C is 80."""
    if isinstance(options, list):
        same = [one for one in map(str, options) if _squeeze(one) == _squeeze(unwrap(text))]
        if len(same) == 1 and (marked := re.match(r"\(?([A-Ja-j])\s*[).:]", same[0].strip())):
            return marked[1].upper()  # letter for letter
    listed = " , ".join(map(str, options)) if isinstance(options, list) else str(options or "")
    given, known = (_MARK.sub(r"\1)", f" {one.casefold()}") for one in (unwrap(text), listed))
    given, known = "".join(given.split()).rstrip(".,;"), "".join(known.split())
    is_one = re.fullmatch(r"\(?([a-j])\)(.+)", given)
    if not is_one or re.search(r"[^a-z][a-j]\)", is_one[2]):
        return None
    choice = re.escape(f"{is_one[1]}){is_one[2]}")
    is_listed = re.search(rf"(?<![a-z]){choice}(?=[,;]?\(?[b-j]\)|[,;]?$)", known)
    return is_one[1].upper() if is_listed else None


def _read_stated_choice(text: str, options: Any) -> str | None:
    """The letter in "C: 80", "**C)** 80" and "\\textbf{(C) }80", if the choice C is 80."""
    stated = _STATED.fullmatch(_MARKUP.sub("", unwrap(text)).strip())
    if stated is None:
        return None
    choice = _list_choices(options).get(stated["letter"].upper(), "")
    given, known = (_squeeze(_MARKUP.sub("", one)) for one in (stated["rest"], choice))
    return stated["letter"].upper() if given == known != "" else None


def _list_choices(options: Any) -> dict[str, str]:
    """Letter -> text, of choices with their letters, or without any: then by their places."""
    if isinstance(options, Mapping):
        return {str(letter).strip().upper(): str(text) for letter, text in options.items()}
    if not isinstance(options, list):
        return list_options(options)
    marked = [_STATED.fullmatch(str(option).strip()) for option in options]
    letters = [mark["letter"].upper() if mark else "" for mark in marked]
    if letters == list(LETTERS[: len(letters)]):
        return {mark["letter"].upper(): mark["rest"] for mark in marked if mark}
    return dict(zip(LETTERS, map(str, options), strict=False))


def _squeeze(text: str) -> str:
    return "".join(text.casefold().split()).rstrip(".,;")


def list_options(options: Any) -> dict[str, str]:
    """Letter -> text, of "a ) 60 , b ) 75" as MathQA has it, or of a list of such texts."""
    listed = " , ".join(map(str, options)) if isinstance(options, list) else str(options or "")
    return {letter.upper(): text for letter, text in _OPTION.findall(listed)}


def read_choices(
    batch: Batch, *, column: str = "answer", extraction: str = "auto"
) -> list[tuple[str, str]]:
    """(letter given, letter wanted) of every completion and row where both can be read."""
    pairs = []
    for completion, row in zip(batch.completions, batch.rows, strict=True):
        answer = read_choice(EXTRACTIONS[extraction](completion).text or "")
        gold = read_choice(_gold_text(row, column) or "")
        if answer and gold:
            pairs.append((answer, gold))
    return pairs


def gold_number(row: Row, column: str) -> Fraction | None:
    """The gold number of a row: a number, or text that is one or ends in `#### number`."""
    text = _gold_text(row, column)
    return None if text is None else parse_number(text.rpartition(HASH_MARK)[2])


def _gold_text(row: Row, column: str) -> str | None:
    value = row.get(column)
    return None if value is None or isinstance(value, bool) else str(value)


def _no_answer(answer: Extracted) -> Grade:
    return Grade(0.0, answer.problem, answer.flags)


def _quoted(text: str) -> str:
    return "'" + (text if len(text) <= 60 else text[:60] + "…") + "'"
