"""What changed between two texts, word by word. Shows nothing: see the Generations page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A word, a run of spaces, or a single mark: "(3+4)" differs from "(3*4)" in one piece.
_PIECES = re.compile(r"\w+|\s+|[^\w\s]")

Change = Literal["same", "removed", "added"]


@dataclass(frozen=True)
class DiffPart:
    """A stretch of text that both share, that only the left has, or that only the right has."""

    change: Change
    text: str


def diff_words(left: str, right: str) -> list[DiffPart]:
    """Joining what is not "added" gives `left`; joining what is not "removed" gives `right`."""
    a, b = _PIECES.findall(left), _PIECES.findall(right)
    parts: list[DiffPart] = []
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(DiffPart("same", "".join(a[a1:a2])))
            continue
        if a2 > a1:
            parts.append(DiffPart("removed", "".join(a[a1:a2])))
        if b2 > b1:
            parts.append(DiffPart("added", "".join(b[b1:b2])))
    return parts


def similarity(left: str, right: str) -> float:
    """Share of the words that both have in the same order: 1 for equal texts."""
    a, b = _PIECES.findall(left), _PIECES.findall(right)
    return SequenceMatcher(None, a, b, autojunk=False).ratio()
