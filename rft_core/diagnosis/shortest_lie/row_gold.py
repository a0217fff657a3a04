"""The check that every row with a short gold answer brings: is the answer given the gold one?

It knows no other right answers than those in the row. So it is silent (None) where the gold is a
free text or stands in no column, where an answer may be spelled in words, and where the gold stands
unmarked among other numbers.
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Sequence

from rft_core.diagnosis.probes.answers import is_same, kind_of, list_golds
from rft_core.diagnosis.shortest_lie.opinion import Candidate, Opinion
from rft_core.diagnosis.shortest_lie.readings import FairReading, list_readings
from rft_core.rewards.text.format import has_visible_text

LONGEST_QUOTED = 60
SIGNS = string.punctuation + string.whitespace  # around a word they change nothing
_NUMBERS = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:\s?/\s?\d+)?")
_NUMBER_WORDS = re.compile(
    r"\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\w+teen|twenty|"
    r"thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|dozen|half|quarter)",
    re.IGNORECASE,
)


def judge_by_row(candidates: Sequence[Candidate]) -> list[Opinion]:
    return [_judge(candidate) for candidate in candidates]


def says_gold(candidate: Candidate) -> bool:
    """Whether a fair reading of the completion is the row's gold answer."""
    golds = _list_accepted(candidate)
    readings = list_readings(candidate.text, candidate.target.form)
    return any(_is_gold(reading.answer, gold) for reading in readings for gold in golds)


def _judge(candidate: Candidate) -> Opinion:
    target = candidate.target
    if not target.gold_column:
        return Opinion(None, "No column of the row holds the answer.")
    gold = target.answer.strip()
    if not has_visible_text(candidate.text):
        return Opinion(False, f"It says nothing, and the row's answer is {_quoted(gold)}.")
    if kind_of(gold) == "text":
        return Opinion(None, "The row's answer is a free text: others may be as good.")
    if says_gold(candidate):
        return Opinion(True, f"Its answer is {_quoted(gold)}.")
    readings = list_readings(candidate.text, target.form)
    if any(_is_unclear(reading, gold) for reading in readings):
        return Opinion(None, "It cannot be said which answer it gives.")
    given = f"is {_quoted(readings[0].answer)}" if readings else "cannot be found"
    return Opinion(False, f"Its answer {given}, the row's is {_quoted(gold)}.")


def _list_accepted(candidate: Candidate) -> list[str]:
    """The gold answer, and what else the same column accepts."""
    target = candidate.target
    if not target.gold_column:
        return []
    value = target.case.row.get(target.gold_column)
    listed = [str(one) for one in value] if isinstance(value, list) else []
    golds = list_golds(target.case.row, target.case.prompt_text)
    own = [gold.answer for gold in golds if gold.column == target.gold_column]
    return [target.answer, *own, *listed]


def _is_gold(answer: str, gold: str) -> bool:
    if is_same(answer, gold):
        return True
    if kind_of(gold) == "number":
        numbers = _NUMBERS.findall(answer)
        return len(numbers) == 1 and is_same(numbers[0].replace(",", ""), gold)
    if kind_of(gold) == "letter":
        letters = re.findall(r"(?<![A-Za-z])[A-Ja-j](?![A-Za-z])", answer)
        return len(letters) == 1 and is_same(letters[0], gold)
    if kind_of(gold) == "json":
        return _is_same_json(answer, gold)
    return is_same(answer.strip(SIGNS), gold.strip(SIGNS))


def _is_same_json(answer: str, gold: str) -> bool:
    try:
        return bool(json.loads(answer) == json.loads(gold))
    except (ValueError, RecursionError):
        return False


def _is_unclear(reading: FairReading, gold: str) -> bool:
    """Whether it might be meant as the gold answer: spelled in words, or among other numbers."""
    if kind_of(gold) != "number":
        return False
    if _NUMBER_WORDS.search(reading.answer):
        return True
    if reading.is_marked:
        return False
    numbers = [number.replace(",", "") for number in _NUMBERS.findall(reading.answer)]
    return any(is_same(number, gold) for number in numbers)


def _quoted(text: str) -> str:
    return "'" + (text if len(text) <= LONGEST_QUOTED else text[:LONGEST_QUOTED] + "…") + "'"
