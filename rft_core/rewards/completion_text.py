"""Read a completion's text: where its one final answer stands, strict JSON, Unicode's normal forms.

An answer stands in <answer>, in `\\boxed{}`, after `####` or in a fenced block; boxes and marks in
the thought are tries, and no answers. Two different answers are no answer: a model that hedges must
not be paid for one of its guesses. Everything here is linear in the length of the completion,
whatever it holds, and nothing judges the answer. It imports nothing of this project, since graders
that work elsewhere bring it along.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

LONGEST_ANSWER = 1000
MOST_BOXES = 50
HASH_MARK = "####"
BOX, FRAME = "\\boxed{", "\\fbox{"  # the same in two spellings
FENCE = "```"
MOST_MARKS = 30  # on one letter
_THINK = re.compile(r"<(/?)think(?:ing)?\s*>", re.IGNORECASE)
_SPACES = re.compile(r"(?<!\d)\s+|\s+(?!\d)|\\[,!;: ]|\\(?:left|right)\b")
_BARE_ROOT = re.compile(r"\\sqrt(\w)")
_BARE_FRACTION = re.compile(r"\\[dtc]?frac(?:\{(\w+)\}|(\w))(?:\{(\w+)\}|(\w))")


@dataclass(frozen=True)
class Extracted:
    """`text` is the answer, or None with the `problem` in plain words (and a flag, if a trick)."""

    text: str | None
    problem: str = ""
    flags: tuple[str, ...] = ()


def after_thought(completion: str) -> str:
    """What stands outside of the thoughts: one that the prompt opened, one that never ends."""
    kept: list[str] = []
    start, is_open = 0, False
    for mark in _THINK.finditer(completion):
        if mark[1]:
            if not is_open:
                kept.clear()
            start, is_open = mark.end(), False
        elif not is_open:
            kept.append(completion[start : mark.start()])
            is_open = True
    if not is_open:
        kept.append(completion[start:])
    return "\n".join(kept)


def from_answer_tag(completion: str) -> Extracted:
    """What stands in the completion's only <answer>…</answer> block."""
    lowered = completion.lower()  # <Answer> beside <answer> is still a second block
    opened, closed = lowered.count("<answer>"), lowered.count("</answer>")
    if opened > 1 or closed > 1:
        return Extracted(None, "There is more than one answer block.", ("several_answers",))
    _, start, rest = completion.partition("<answer>")
    text, end, _ = rest.partition("</answer>")
    if not start or not end:
        return Extracted(None, "There is no <answer>…</answer> block.")
    return Extracted(text.strip())


def from_box(completion: str) -> Extracted:
    """The content of `\\boxed{…}` after the thought; several boxes must agree."""
    completion = after_thought(completion).replace(FRAME, BOX)
    starts = completion.split(BOX)[1:]
    if not starts:
        return Extracted(None, "There is no \\boxed{} answer.")
    if len(starts) > MOST_BOXES:
        return Extracted(None, f"There are {len(starts)} boxes.", ("several_answers",))
    position = 0
    contents = set()
    for _ in starts:
        position = completion.index(BOX, position) + len(BOX)
        content = _up_to_closing_brace(completion[position : position + LONGEST_ANSWER])
        if content is None:
            return Extracted(None, "A \\boxed{} answer is not closed.")
        contents.add(_as_spelt_by_all(content))
    if len(contents) > 1:
        return Extracted(None, "Several boxes hold different answers.", ("several_answers",))
    return Extracted(content.strip() if content else "")


def from_hash_mark(completion: str) -> Extracted:
    """What follows `####` on its line after the thought, as in GSM8K; several marks must agree."""
    parts = after_thought(completion).split(HASH_MARK)[1:]
    lines = [part.split("\n", 1)[0].strip() for part in parts]
    if not lines:
        return Extracted(None, "There is no '#### answer' line.")
    if len(set(lines)) > 1:
        return Extracted(None, "Several #### lines hold different answers.", ("several_answers",))
    return Extracted(lines[0])


def from_anywhere(completion: str) -> Extracted:
    """The <answer> block if there is any, else the box, else the #### line."""
    lowered = completion.lower()
    if "<answer>" in lowered or "</answer>" in lowered:
        found = from_answer_tag(completion.replace(FRAME, BOX))
        return _from_box_in_answer(found.text) if found.text and BOX in found.text else found
    answer = after_thought(completion).replace(FRAME, BOX)
    if BOX in answer:
        return from_box(answer)
    if HASH_MARK in answer:
        return from_hash_mark(answer)
    return Extracted(None, "There is no <answer> block, \\boxed{} or #### line.")


def _from_box_in_answer(text: str) -> Extracted:
    """The box; other numbers beside it are other answers, unless they lead to it: 5 * 10 = [50]."""
    before, _, rest = text.partition(BOX)
    after = rest.rpartition(BOX)[2] or rest
    after = after[len(_up_to_closing_brace(after) or "") :]
    leads_to_it = before.rstrip(" $").endswith("=")
    if _has_digit(after) or (_has_digit(before) and not leads_to_it):
        return Extracted(None, "There are numbers beside the box.", ("several_answers",))
    return from_box(text)


def _has_digit(text: str) -> bool:
    return any(sign.isdigit() for sign in text)


def from_fence(completion: str) -> Extracted:
    """What stands in the completion's only ``` block, without the language named on its fence."""
    count = completion.count(FENCE)
    if count != 2:
        flags = ("several_answers",) if count > 2 else ()
        return Extracted(None, "There is not exactly one fenced block.", flags)
    label, newline, text = completion.partition(FENCE)[2].partition(FENCE)[0].partition("\n")
    if not newline or len(label.split()) > 1:
        return Extracted(None, "The fence is not on a line of its own.")
    return Extracted(text.strip())


def without_fence(text: str) -> str:
    """The text inside, where all of it is one fenced block."""
    if text.count(FENCE) != 2 or not text.startswith(FENCE) or not text.endswith(FENCE):
        return text
    return from_fence(text).text or text


def whole(completion: str) -> Extracted:
    """The completion itself, without white space around it."""
    return Extracted(completion.strip())


EXTRACTIONS: dict[str, Callable[[str], Extracted]] = {
    "auto": from_anywhere,
    "answer_tag": from_answer_tag,
    "boxed": from_box,
    "hash_mark": from_hash_mark,
    "fenced": from_fence,
    "whole": whole,
}


def _as_spelt_by_all(content: str) -> str:
    """One spelling for \\sqrt 2 and \\sqrt{2}, \\frac32 and \\dfrac{3}{2}, and any white space."""
    text = _BARE_ROOT.sub(r"\\sqrt{\1}", _SPACES.sub("", content))
    return _BARE_FRACTION.sub(
        lambda part: f"\\frac{{{part[1] or part[2]}}}{{{part[3] or part[4]}}}", text
    )


def _up_to_closing_brace(text: str) -> str | None:
    depth = 1
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:index]
    return None


def parse_strict_json(text: str) -> Any:
    """JSON as its standard has it: no NaN, no Infinity, no key twice, of which the last would win.

    Raises `ValueError` that says what is wrong, and `RecursionError` if it is too deep.
    """
    return json.loads(text, object_pairs_hook=_make_object, parse_constant=_refuse_constant)


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is there twice")
    return made


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    """Unicode's normal form in linear time.

    Normalizing sorts every run of combining marks, and a run of 100,000 takes many seconds that
    nothing can interrupt. Text that people read has a few on a letter: what goes beyond 30 is left
    out, the bound of Unicode's own Stream-Safe Text Format (UAX #15, section 13).
    """
    if text.isascii():
        return text
    kept, run = [], 0
    for sign in text:
        run = run + 1 if unicodedata.combining(sign) else 0
        if run <= MOST_MARKS:
            kept.append(sign)
    return unicodedata.normalize(form, "".join(kept))
