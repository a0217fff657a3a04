"""Find the one program in a completion: in <answer>, in a fenced block, or the whole text.

Models explain themselves and show examples, so several fenced blocks are no hedge here: exactly one
counts, by a rule that does not look at what is right. Blocks marked as another language are no
programs; of the others the last that defines the wanted function counts, else the last.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_core.rewards.completion_text import FENCE, Extracted, after_thought, from_answer_tag

LONGEST_PROGRAM = 100_000
PYTHON_NAMES = ("python", "py", "python3", "")
FENCES = (FENCE, "~~~")
DEEPEST_INDENT = 3  # of a fence, beside text; in a list it may be deeper

_FENCE_LINE = re.compile(r"(?P<indent>[ \t]*)(?P<mark>`{3,}|~{3,})(?P<label>[^`]*)$")


@dataclass(frozen=True)
class _FencedBlock:
    label: str
    text: str
    indent: int


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
    return _from_fence_or_whole(after_thought(completion), function)


def _from_answer(completion: str, function: str) -> Extracted:
    answer = from_answer_tag(completion)
    return answer if answer.text is None else _from_fence_or_whole(answer.text, function)


def _from_fence_or_whole(text: str, function: str) -> Extracted:
    """Fences inside a docstring are no fences around the program."""
    has_mark = any(mark in text for mark in FENCES)
    blocks = _list_blocks(text) if has_mark else []
    is_deep = bool(blocks) and all(block.indent > DEEPEST_INDENT for block in blocks)
    if not has_mark or (is_deep and function and not _list_fitting(blocks, function)):
        return Extracted(text)
    return _from_fence(text, function)


def _from_fence(text: str, function: str) -> Extracted:
    blocks = [block for block in _list_blocks(text) if block.label in PYTHON_NAMES]
    blocks = [block for block in blocks if block.label] or blocks
    if not blocks:
        return Extracted(None, "There is no closed fenced block of Python.")
    fitting = _list_fitting(blocks, function) if function else []
    return Extracted((fitting or blocks)[-1].text)


def _list_fitting(blocks: Sequence[_FencedBlock], function: str) -> list[_FencedBlock]:
    """Those that define the function."""
    name = re.escape(function)
    defines = re.compile(rf"^(?:def\s+{name}\b|{name}\s*=)", re.MULTILINE)
    return [block for block in blocks if defines.search(block.text)]


def _list_blocks(text: str) -> list[_FencedBlock]:
    """Every closed block; a fence stands at the beginning of a line, as Markdown has it: three or
    more of one sign, closed by as many, and not much deeper than where it began.
    """
    blocks: list[_FencedBlock] = []
    opening, lines = None, list[str]()
    for line in text.splitlines():
        fence = _FENCE_LINE.match(line)
        if opening is None:
            opening, lines = fence, []
        elif fence and _closes(fence, opening):
            label = opening["label"].split(maxsplit=1) or [""]
            body, indent = "\n".join(lines), max(len(opening["indent"]), len(fence["indent"]))
            body = textwrap.dedent(body) if indent else body
            blocks.append(_FencedBlock(label[0].lower(), body, indent))
            opening = None
        else:
            lines.append(line)
    return blocks


def _closes(fence: re.Match[str], opening: re.Match[str]) -> bool:
    return (
        fence["mark"].startswith(opening["mark"])
        and not fence["label"].strip()
        and len(fence["indent"]) <= len(opening["indent"]) + DEEPEST_INDENT
    )


PLACES: dict[str, Callable[[str, str], Extracted]] = {
    "auto": _from_anywhere,
    "answer_tag": _from_answer,
    "fenced": _from_fence,
    "whole": lambda completion, function: Extracted(completion),
}
