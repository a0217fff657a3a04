"""What is suspicious about a set of prompts, before any training time is spent on it.

Pure functions from rows and rendered messages to problems. `where` is "row 7", counted from 1 as in
error messages about files, or "" for the whole set. Nothing is repaired here. Defects of <think> /
<answer> tags are described in `tags`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rft_core.data.split import normalise_prompt
from rft_core.data.table import is_missing
from rft_core.data.tags import final_answer, find_tag_defects, has_tags
from rft_core.data.template import PromptTemplate
from rft_core.types import Message, Problem, Row, Severity

COMPLETION_COLUMNS = (
    *("answer", "chosen", "completion", "cot", "gold", "output"),
    *("rationale", "reasoning", "rejected", "response", "solution"),
)
"""Columns whose texts are examples for the model, by their usual names."""

_ROW = "row "
_LONG_ANSWER = 12
_ANSWER_CUE = re.compile(
    r"(?:####|\b(?:answer|solution|result)\s*(?:is|:|=)|<answer>)\s*[$\"'(\\]*\s*"
)
_LABEL_COLUMNS = ("label", "gold", "target", "final_answer", "answer")


def get_row(problem: Problem) -> int | None:
    """The row that a problem is about, counted from 1; None where it concerns the whole set."""
    return int(problem.where.removeprefix(_ROW)) if problem.where.startswith(_ROW) else None


def lint_prompts(
    rows: Sequence[Row],
    prompts: Sequence[Sequence[Message]],
    *,
    template: PromptTemplate | None = None,
    answer_columns: Sequence[str] = (),
    completion_columns: Sequence[str] | None = None,
) -> list[Problem]:
    """All problems, errors first. `prompts` are the rendered messages of `rows`.

    `answer_columns` hold gold answers that a prompt must not give away. `completion_columns`
    (default: columns with a usual name) hold example texts whose tags are checked.
    """
    if completion_columns is None:
        columns = dict.fromkeys(column for row in rows for column in row)
        completion_columns = [c for c in columns if c.casefold() in COMPLETION_COLUMNS]
    problems = [
        *_lint_empty(rows, prompts),
        *_lint_missing(rows),
        *_lint_duplicates(prompts),
        *_lint_leaks(rows, prompts, template, answer_columns),
        *_lint_tags(rows, completion_columns, answer_columns),
    ]
    ranks = {"error": 0, "warning": 1, "info": 2}
    return sorted(problems, key=lambda found: (ranks[found.severity], get_row(found) or 0))


def lint_lengths(lengths: Sequence[int], limit: int) -> list[Problem]:
    """Prompts of more than `limit` tokens. `lengths` counts tokens, in the order of the rows."""
    return [
        Problem(
            "long_prompt",
            "error",
            f"{_ROW}{row}",
            f"the prompt has {length:,} tokens, more than {limit:,}",
            "Shorten it, or leave room with a larger context",
        )
        for row, length in enumerate(lengths, start=1)
        if length > limit
    ]


def lint_prompt_tail(tail: str) -> list[Problem]:
    """Whether the chat template already opens <think>. `tail` ends the string the model sees."""
    if not tail.rstrip().endswith("<think>"):
        return []
    return [
        Problem(
            "template_opens_think",
            "warning",
            "",
            "the chat template ends the prompt with <think>, so completions begin inside of it",
            "Do not require the opening <think> in the format reward, or use another chat template",
        )
    ]


def _lint_empty(rows: Sequence[Row], prompts: Sequence[Sequence[Message]]) -> Iterator[Problem]:
    for number, (row, messages) in enumerate(zip(rows, prompts, strict=True), start=1):
        if all(is_missing(value) for value in row.values()):
            yield Problem(
                "empty_row", "error", f"{_ROW}{number}", "every cell is empty", "Remove the row"
            )
        elif not messages[-1]["content"].strip():
            yield Problem(
                "empty_prompt",
                "error",
                f"{_ROW}{number}",
                "the user message is empty",
                "Fill the row's cells or correct the user template",
            )


def _lint_missing(rows: Sequence[Row]) -> Iterator[Problem]:
    for column in dict.fromkeys(column for row in rows for column in row):
        missing = [i for i, row in enumerate(rows, start=1) if is_missing(row.get(column))]
        if missing:
            yield Problem(
                "missing_values",
                "warning" if len(missing) < len(rows) else "info",
                "",
                f"column '{column}' is empty in {len(missing):,} of {len(rows):,} rows, "
                f"first in row {missing[0]}",
                "Fill the cells, or drop the column if nothing uses it",
            )


def _lint_duplicates(prompts: Sequence[Sequence[Message]]) -> Iterator[Problem]:
    exact: dict[str, int] = {}
    similar: dict[str, int] = {}
    for number, messages in enumerate(prompts, start=1):
        text = "\n".join(message["content"] for message in messages)
        same = normalise_prompt(text)
        if text in exact:
            yield _duplicate("duplicate", number, f"the same prompt as row {exact[text]}")
        elif same in similar:
            yield _duplicate(
                "near_duplicate",
                number,
                f"the prompt of row {similar[same]} but for case and white space",
            )
        exact.setdefault(text, number)
        similar.setdefault(same, number)


def _duplicate(kind: str, number: int, message: str) -> Problem:
    fix = "Remove it, unless its weight in training is meant to be higher"
    return Problem(kind, "warning", f"{_ROW}{number}", message, fix)


def _lint_leaks(
    rows: Sequence[Row],
    prompts: Sequence[Sequence[Message]],
    template: PromptTemplate | None,
    answer_columns: Sequence[str],
) -> Iterator[Problem]:
    printed = template.variables.intersection(answer_columns) if template else frozenset()
    for column in sorted(printed):
        yield Problem(
            "template_leaks_answer",
            "error",
            "",
            f"the template prints the answer column '{column}' into every prompt",
            f"Remove {column} from the template",
        )
    unprinted = [column for column in answer_columns if column not in printed]
    literals = _normalise_all(template.literals) if template else []
    shared = [*literals, *_list_shared(rows, prompts, unprinted)]
    for number, (row, messages) in enumerate(zip(rows, prompts, strict=True), start=1):
        text = normalise_prompt("\n".join(message["content"] for message in messages))
        for column in unprinted:
            own = _without(text, [words for words in shared if _find_leak(words, row.get(column))])
            if leaked := _find_leak(own, row.get(column)):
                yield Problem(
                    "leaked_answer",
                    "error" if len(leaked) >= _LONG_ANSWER else "warning",
                    f"{_ROW}{number}",
                    f"the prompt already contains the answer '{leaked[:40]}' of '{column}'",
                    "Remove the answer from the prompt",
                )


def _list_shared(
    rows: Sequence[Row], prompts: Sequence[Sequence[Message]], columns: Sequence[str]
) -> list[str]:
    """Messages that all chats begin with: an example in them says nothing of a row's own answer,
    unless it says that of every row. What is asked last is always the row's own.
    """
    if len(prompts) < 2:
        return []
    earlier = ({message["content"] for message in messages[:-1]} for messages in prompts)
    shared = _normalise_all(sorted(set.intersection(*earlier)))
    return [
        words
        for words in shared
        if not all(any(_find_leak(words, row.get(c)) for c in columns) for row in rows)
    ]


def _normalise_all(texts: Sequence[str]) -> list[str]:
    return [words for text in texts if (words := normalise_prompt(text))]


def _without(text: str, parts: Sequence[str]) -> str:
    for part in parts:
        text = text.replace(part, " ")
    return text


def _find_leak(prompt: str, answer: Any) -> str | None:
    """The leaked text, if any. A short answer such as 72 is in many a prompt by chance, so it
    counts only behind a cue ("answer: 72", "#### 72"); a long one counts anywhere.
    """
    if is_missing(answer) or isinstance(answer, list | dict | bool):
        return None
    whole = normalise_prompt(str(answer))
    short = normalise_prompt(final_answer(str(answer)) or "")
    for gold in dict.fromkeys((whole, short)):
        if not gold or gold not in prompt:
            continue
        is_long = len(gold) >= _LONG_ANSWER
        starts = (
            [prompt.index(gold)] if is_long else [cue.end() for cue in _ANSWER_CUE.finditer(prompt)]
        )
        if any(_stands_at(prompt, start, gold) for start in starts):
            return gold
    return None


def _stands_at(prompt: str, start: int, gold: str) -> bool:
    """Whether `gold` is there as a whole: 72, but not the 72 of 720 or of 72.5."""
    follows = prompt[start + len(gold) : start + len(gold) + 2]
    is_whole = not (follows[:1].isalnum() or re.fullmatch(r"[.,]\d", follows))
    return prompt.startswith(gold, start) and is_whole


def _lint_tags(
    rows: Sequence[Row], completion_columns: Sequence[str], answer_columns: Sequence[str]
) -> Iterator[Problem]:
    for number, row in enumerate(rows, start=1):
        for column in completion_columns:
            text = row.get(column)
            if not isinstance(text, str):
                continue
            label = _find_label(row, column, answer_columns)
            for defect in find_tag_defects(text, label):
                severity: Severity = "warning" if defect.kind == "missing_answer" else "error"
                yield Problem(
                    defect.kind,
                    severity,
                    f"{_ROW}{number}",
                    f"column '{column}': {defect.message}",
                    defect.fix,
                )


def _find_label(row: Mapping[str, Any], column: str, answer_columns: Sequence[str]) -> str | None:
    """The row's known answer: a declared or usually named column other than `column` itself."""
    for name in (*answer_columns, *_LABEL_COLUMNS):
        value = row.get(name)
        if name == column or is_missing(value) or isinstance(value, list | dict | bool):
            continue
        if not has_tags(str(value)):
            return final_answer(str(value)) or str(value)
    return None
