"""OpenAI's graders of text: `string_check` and `text_similarity`, with their templates.

`{{ item.column }}` is a value of the row, `{{ sample.output_text }}` the completion, and
`{{ sample.output_json.key }}` a value of the JSON that the completion must be. Any text may be
compared with any. `like` looks for the reference anywhere in the input: it pays a completion that
lists every answer. A completion whose JSON lacks the value scores 0, a row that lacks it is
unscored. Source: https://platform.openai.com/docs/guides/graders
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, RewardEntry
from rft_core.rewards.grader_info import GraderInfo, GraderOption
from rft_core.rewards.text.overlap import bleu, gleu, rouge_l, rouge_n, split_words
from rft_core.rewards.text.similarity import LONGEST_COMPARED, MEASURES
from rft_core.types import Row

OUTPUT = "{{ sample.output_text }}"
NAMESPACES = ("item", "sample")
_FIELD = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


class RowLacksError(Exception):
    """The row has no such value: the completion cannot be judged."""


class CompletionLacksError(Exception):
    """The completion has no such value: it is wrong."""


def render(template: str, completion: str, row: Row) -> str:
    """The text with its fields filled in."""
    return _FIELD.sub(lambda field: _look_up(field[1], completion, row), template)


def check_template(template: str) -> None:
    """Raise `BadInputError` for a field of another namespace than `item` and `sample`."""
    for path in _FIELD.findall(template):
        if path.partition(".")[0] not in NAMESPACES:
            raise BadInputError(f"'{{{{ {path} }}}}' is no field", "", "Use item.… or sample.…")
        if path.startswith("sample.") and not path.startswith(
            ("sample.output_text", "sample.output_json")
        ):
            raise BadInputError(
                f"'{path}' is not known here", "", "Use sample.output_text or sample.output_json"
            )


def grade_string_check(
    completion: str, row: Row, *, input: str = OUTPUT, reference: str = "", operation: str = "eq"
) -> Grade:
    """1 if the comparison holds, else 0."""
    texts = _render_both(input, reference, completion, row)
    if isinstance(texts, Grade):
        return texts
    given, wanted = texts
    if operation in ("like", "ilike") and not wanted:
        return Grade(None, "The reference is empty, and every text holds that.")
    holds = _OPERATIONS[operation](given, wanted)
    return Grade(float(holds), f"'{given[:60]}' {operation} '{wanted[:60]}': {holds}.")


def grade_text_similarity(
    completion: str,
    row: Row,
    *,
    input: str = OUTPUT,
    reference: str = "",
    metric: str = "fuzzy_match",
) -> Grade:
    """The metric from 0 to 1."""
    texts = _render_both(input, reference, completion, row)
    if isinstance(texts, Grade):
        return texts
    given, wanted = texts
    if not wanted.strip():
        return Grade(None, "The reference is empty.")
    if not given.strip() or len(given) > LONGEST_COMPARED:
        return Grade(0.0, "The text is empty, or too long to compare.")
    value = METRICS[metric](given, wanted)
    return Grade(value, f"{metric} {value:.2f}.")


def _render_both(first: str, second: str, completion: str, row: Row) -> tuple[str, str] | Grade:
    try:
        return render(first, completion, row), render(second, completion, row)
    except RowLacksError as error:
        return Grade(None, f"The row has no '{error}'.")
    except CompletionLacksError as error:
        return Grade(0.0, f"The completion has no '{error}'.")


def _look_up(path: str, completion: str, row: Row) -> str:
    namespace, _, rest = path.partition(".")
    if path == "sample.output_text":
        return completion
    missing = RowLacksError(path) if namespace == "item" else CompletionLacksError(path)
    value: Any = row
    if namespace == "sample":
        try:
            value = json.loads(completion)
        except (ValueError, RecursionError):
            raise missing from None
        rest = rest.removeprefix("output_json").lstrip(".")
    for name, index in _STEP.findall(rest):
        try:
            value = value[int(index)] if index else value[name]
        except (KeyError, IndexError, TypeError):
            raise missing from None
    try:
        return (
            value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        )
    except (TypeError, ValueError, RecursionError):  # keys that JSON has not, or nested too deep
        raise missing from None


_OPERATIONS: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda given, wanted: given == wanted,
    "ne": lambda given, wanted: given != wanted,
    "like": lambda given, wanted: wanted in given,
    "ilike": lambda given, wanted: wanted.casefold() in given.casefold(),
}


def _by_words(measure: Callable[..., float], **options: int) -> Callable[[str, str], float]:
    def compare(given: str, wanted: str) -> float:
        if given.split() == wanted.split():
            return 1.0  # also where there is no word in them, but signs alone
        ours, theirs = split_words(given), split_words(wanted)
        return measure(ours, theirs, **options) if ours and theirs else 0.0

    return compare


METRICS: dict[str, Callable[[str, str], float]] = {
    "fuzzy_match": MEASURES["ratio"],
    "bleu": _by_words(bleu),
    "gleu": _by_words(gleu),
    **{f"rouge_{n}": _by_words(rouge_n, n=n) for n in range(1, 6)},
    "rouge_l": _by_words(rouge_l),
}


def _check_templates(entry: RewardEntry) -> None:
    for name in ("input", "reference"):
        check_template(str(entry.options.get(name, "")))


_INPUT = GraderOption("input", "text", OUTPUT, "The text to grade, with {{ item.… }} fields.")
_REFERENCE = GraderOption("reference", "text", "", "What it is compared with.")

STRING_CHECK = GraderInfo(
    "string_check",
    grade_string_check,
    "OpenAI's string_check: one text equals, differs from or holds another.",
    (
        _INPUT,
        _REFERENCE,
        GraderOption("operation", "text", "eq", "How they are compared.", tuple(_OPERATIONS)),
    ),
    check=_check_templates,
)
TEXT_SIMILARITY = GraderInfo(
    "text_similarity",
    grade_text_similarity,
    "OpenAI's text_similarity: how alike two texts are.",
    (
        _INPUT,
        _REFERENCE,
        GraderOption("metric", "text", "fuzzy_match", "How likeness is measured.", tuple(METRICS)),
    ),
    check=_check_templates,
)
