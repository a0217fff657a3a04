"""Every fair reading of a completion: the answers that it may be said to give.

A check that wants one form would call a right answer in another form wrong. So a completion counts
as wrong only where each of its readings is. A thought gives no answer, and neither does the first
of several blocks: readings are fair, not generous.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rft_core.diagnosis.probes.forms import ANSWER, Form
from rft_core.rewards.completion_text import EXTRACTIONS, after_thought, without_fence

LONGEST_BARE = 4000  # characters: what is longer is no bare answer
ANSWER_TAGS = ("<answer>", "</answer>")
_SAID = re.compile(r"(?:answer|result)\s*(?:is|:|=)\s*(.+)", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z]\w*>")
_THOUGHTS = re.compile(r"<(reasoning|thought|scratchpad)>.*?(?:</\1>|$)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class FairReading:
    """An answer; `is_marked` where the completion itself says that this is its answer."""

    answer: str
    is_marked: bool


def list_readings(text: str, form: Form) -> list[FairReading]:
    """Different answers, the clearest first. `form`: how the reward wants them."""
    found: dict[str, FairReading] = {}
    for answer, is_marked in (*((a, True) for a in _marked(text, form)), *_bare(text)):
        plain = without_fence(answer.strip()).strip()
        if plain:
            found.setdefault(plain, FairReading(plain, is_marked))
    return list(found.values())


def _marked(text: str, form: Form) -> Iterator[str]:
    for extract in (EXTRACTIONS[name] for name in ("auto", "boxed", "hash_mark", "fenced")):
        answer = extract(text).text
        if answer is not None:
            yield answer
    before, _, after = form.answer_part.partition(ANSWER)
    if before.strip():
        yield _last_between(text, before.strip(), after.strip())
        yield from _only_closed(text, before.strip(), after.strip())
    yield from _only_closed(text, *ANSWER_TAGS)
    said = _SAID.findall(after_thought(text))
    if said:
        yield said[-1].rstrip(" .")


def _last_between(text: str, start: str, end: str) -> str:
    place = text.rfind(start)
    if place < 0:
        return ""
    rest = text[place + len(start) :]
    return rest.partition(end)[0] if end else rest


def _only_closed(text: str, start: str, end: str) -> Iterator[str]:
    """The one block that is whole: a second one that never ends is cut off, and says nothing."""
    if end:
        found = re.findall(f"{re.escape(start)}(.*?){re.escape(end)}", text, re.DOTALL)
        yield from found if len(found) == 1 else ()


def _bare(text: str) -> Iterator[tuple[str, bool]]:
    """What is left without thoughts and tags, and its last line."""
    left = _TAG.sub("", _THOUGHTS.sub("", after_thought(text))).strip()
    if left and len(left) <= LONGEST_BARE:
        yield left, False
        yield left.splitlines()[-1], False
