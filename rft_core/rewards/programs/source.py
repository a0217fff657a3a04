"""Find the one program in a completion: in <answer>, in a fenced block, or the whole text.

Models explain themselves and show examples, so several fenced blocks are no hedge here: exactly one
counts, by a rule that does not look at what is right. Blocks marked as another language are no
programs; of the others the last that defines the wanted function counts, else the last.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rft_core.rewards.extraction import FENCE, Extracted, from_answer_tag

LONGEST_PROGRAM = 100_000
THINK_END = "</think>"
PYTHON_NAMES = ("python", "py", "python3", "")


@dataclass(frozen=True)
class _Block:
    label: str
    text: str


def find_program(completion: str, where: str = "auto", function: str = "") -> Extracted:
    """The program's source; `where` is one of `PLACES`, `function` the name it must define."""
    found = PLACES[where](completion, function)
    if found.text is None:
        return found
    if not found.text.strip():
        return Extracted(None, "There is no program.")
    if len(found.text) > LONGEST_PROGRAM:
        problem = f"The program has {len(found.text):,} characters; {LONGEST_PROGRAM:,} may be."
        return Extracted(None, problem, ("oversized",))
    return found


def _from_anywhere(completion: str, function: str) -> Extracted:
    """The <answer> block (and a fenced block in it), else a fenced block, else the whole text."""
    lowered = completion.lower()
    if "<answer>" in lowered or "</answer>" in lowered:
        return _from_answer(completion, function)
    return _from_fence_or_whole(completion.rpartition(THINK_END)[2], function)


def _from_answer(completion: str, function: str) -> Extracted:
    answer = from_answer_tag(completion)
    return answer if answer.text is None else _from_fence_or_whole(answer.text, function)


def _from_fence_or_whole(text: str, function: str) -> Extracted:
    return _from_fence(text, function) if FENCE in text else Extracted(text)


def _from_fence(text: str, function: str) -> Extracted:
    blocks = [block for block in _list_blocks(text) if block.label in PYTHON_NAMES]
    blocks = [block for block in blocks if block.label] or blocks
    if not blocks:
        return Extracted(None, "There is no closed fenced block of Python.")
    name = re.escape(function)
    defines = re.compile(rf"^(?:def\s+{name}\b|{name}\s*=)", re.MULTILINE)
    fitting = [block for block in blocks if function and defines.search(block.text)]
    return Extracted((fitting or blocks)[-1].text)


def _list_blocks(text: str) -> list[_Block]:
    """Every closed block; a fence stands at the beginning of a line, as Markdown has it."""
    blocks: list[_Block] = []
    label, lines = None, list[str]()
    for line in text.splitlines():
        mark = line.strip()
        if label is None and mark.startswith(FENCE):
            label, lines = mark.strip("`").strip().lower(), []
        elif label is not None and mark == FENCE:
            blocks.append(_Block(label, "\n".join(lines)))
            label = None
        elif label is not None:
            lines.append(line)
    return blocks


PLACES: dict[str, Callable[[str, str], Extracted]] = {
    "auto": _from_anywhere,
    "answer_tag": _from_answer,
    "fenced": _from_fence,
    "whole": lambda completion, function: Extracted(completion),
}
