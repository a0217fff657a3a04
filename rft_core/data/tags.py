"""What is wrong with the <think> / <answer> structure of a text meant as an example to learn from.

The well-formed shape is `<think>reasoning</think><answer>value</answer>`, white space apart. This
file explains defects to the owner of a data set; scoring completions is the rewards' business.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_TAG = re.compile(r"<(/?)(think|answer)>")
_WRAPPER = re.compile(r"<([A-Za-z][\w-]*)(?:\s[^<>]*)?>.*</\1>", re.DOTALL)
_ANY_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CALCULATOR_MARK = re.compile(r"<<[^<>]*=([^<>=]+)>>")
_NUMBER = re.compile(r"-?(\d+\.?\d*|\.\d+)(/\d+)?")


@dataclass(frozen=True)
class TagDefect:
    """`kind` is stable and machine-readable; `message` says what is wrong, `fix` what to do."""

    kind: str
    message: str
    fix: str


def has_tags(text: str) -> bool:
    return _TAG.search(text) is not None


def find_tag_defects(text: str, label: str | None = None) -> list[TagDefect]:
    """Every defect of `text`; none if it has no such tags. `label` is the row's known answer."""
    if not has_tags(text):
        return []
    defects = _wrapper_defects(text) + _nesting_defects(text)
    is_nested = any(defect.kind == "nested_answer" for defect in defects)
    for tag in ("think", "answer"):
        defects += _block_defects(text, tag)
    if not is_nested:
        defects += _placement_defects(text)
    return defects + _contradictions(text, label)


def final_answer(text: str) -> str | None:
    """The content of the last <answer> block, what follows `####`, or None."""
    if blocks := _blocks(text, "answer"):
        return blocks[-1].strip()
    return text.rpartition("####")[2].strip() if "####" in text else None


def _wrapper_defects(text: str) -> list[TagDefect]:
    wrapper = _WRAPPER.fullmatch(text.strip())
    if wrapper is None or wrapper.group(1) in ("think", "answer"):
        return []
    name = wrapper.group(1)
    return [
        TagDefect(
            "stray_wrapper",
            f"the whole text is wrapped in <{name}>, so it does not begin with <think>",
            f"Remove <{name}> and </{name}>",
        )
    ]


def _nesting_defects(text: str) -> list[TagDefect]:
    defects: dict[TagDefect, None] = {}  # in order, each once
    still_open = {"think": 0, "answer": 0}
    for closing, tag in _TAG.findall(text):
        if closing and not still_open[tag]:
            fix = f"Add <{tag}> before it"
            defects[TagDefect("unopened_tag", f"</{tag}> closes nothing", fix)] = None
        elif not closing and tag == "answer" and still_open["think"]:
            fix = "Close </think> before <answer> opens"
            defects[TagDefect("nested_answer", "<answer> is inside <think>", fix)] = None
        still_open[tag] = max(0, still_open[tag] + (-1 if closing else 1))
    unclosed = [tag for tag, count in still_open.items() if count]
    return list(defects) + [
        TagDefect("unclosed_tag", f"<{tag}> is never closed", f"Add </{tag}>") for tag in unclosed
    ]


def _block_defects(text: str, tag: str) -> list[TagDefect]:
    blocks = _blocks(text, tag)
    defects = []
    if any(not block.strip() for block in blocks):
        what = "the reasoning" if tag == "think" else "the answer"
        fix = f"Write {what} between the tags"
        defects.append(TagDefect(f"empty_{tag}", f"<{tag}> is empty", fix))
    if len(blocks) > 1:
        message = f"<{tag}> appears {len(blocks)} times"
        defects.append(TagDefect(f"repeated_{tag}", message, "Keep one block"))
    return defects


def _blocks(text: str, tag: str) -> list[str]:
    """What stands between each closed pair of `tag`, in linear time even on hostile text."""
    pieces = text.split(f"</{tag}>")[:-1]
    return [piece.partition(f"<{tag}>")[2] for piece in pieces if f"<{tag}>" in piece]


def _placement_defects(text: str) -> list[TagDefect]:
    """Order of the two blocks, and text that stands outside of them."""
    if "<answer>" not in text:
        fix = "Put the answer into <answer> tags"
        return [TagDefect("missing_answer", "there is no <answer>", fix)]
    if "<think>" in text and text.index("<answer>") < text.index("<think>"):
        fix = "Put the reasoning before the answer"
        return [TagDefect("wrong_order", "<answer> comes before <think>", fix)]
    defects = []
    _, closed, rest = text.partition("</think>")
    if closed and rest.partition("<answer>")[0].strip():
        message = "reasoning stands after </think>, outside of the tags"
        fix = "Move it between <think> and </think>"
        defects.append(TagDefect("text_between", message, fix))
    _, closed, after = text.rpartition("</answer>")
    outside = _ANY_TAG.sub("", after).strip()
    if closed and outside:
        message = f"text stands after </answer>: '{outside[:40]}'"
        fix = "Move the answer between <answer> and </answer>"
        defects.append(TagDefect("answer_outside", message, fix))
    return defects


def _contradictions(text: str, label: str | None) -> list[TagDefect]:
    """The answer against the label or, without one, against the last `<<12*52=624>>` mark."""
    answer = final_answer(text)
    marks = _CALCULATOR_MARK.findall(text)
    if answer is None or "</answer>" not in text:
        return []
    fix = "Correct the one that is wrong"
    if label is not None:
        message = f"the tags answer '{answer[:40]}', the row's label is '{label[:40]}'"
        return [TagDefect("wrong_answer", message, fix)] if _differ(answer, label) else []
    if marks and _differ(answer, marks[-1]):
        message = f"the tags answer '{answer[:40]}', the last calculation gives '{marks[-1]}'"
        return [TagDefect("contradicts_reasoning", message, fix)]
    return []


def _differ(answer: str, expected: str) -> bool:
    """Surely different: two numbers or two single words. An expression may well equal a number."""
    numbers = _parse_number(answer), _parse_number(expected)
    if None not in numbers:
        return numbers[0] != numbers[1]
    words = answer.strip(" ().").casefold(), expected.strip(" ().").casefold()
    return all(word.isalpha() for word in words) and words[0] != words[1]


def _parse_number(text: str) -> Fraction | None:
    cleaned = re.sub(r"[\s,$\\%]", "", text).rstrip(".")
    if len(cleaned) > 100 or not _NUMBER.fullmatch(cleaned):
        return None
    try:
        top, _, bottom = cleaned.partition("/")
        return Fraction(top) / Fraction(bottom or 1)
    except ZeroDivisionError:
        return None
