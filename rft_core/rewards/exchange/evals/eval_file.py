"""The door for evals of other tools: files in, prompts and rewards out. Nothing is run.

The tool is known by the keys: `testing_criteria` is OpenAI's, `tests` and `prompts` Promptfoo's.
Further files bring what the first does not hold: rows, a run that says how the model is asked, or
a list of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.exchange.evals.eval_text import read_document, read_records
from rft_core.rewards.exchange.evals.imported_eval import ImportedEval
from rft_core.rewards.exchange.evals.openai_evals import is_openai_eval, read_openai_eval
from rft_core.rewards.exchange.evals.promptfoo import is_promptfoo, read_promptfoo

RUNS = ("run", "runs", "data_source")
WRAPPERS = ("eval", "config")  # an export may hold the eval beside its runs or its results

Reader = Callable[
    [Mapping[str, Any], str, Sequence[tuple[str, list[Any]]], PromptTemplate | None], ImportedEval
]


@dataclass(frozen=True)
class EvalText:
    """A file by its name and its text."""

    name: str
    text: str


def read_eval(
    file: EvalText, others: Sequence[EvalText] = (), template: PromptTemplate | None = None
) -> ImportedEval:
    """What the file becomes, with what cannot come along.

    `template`: how the model is asked, where the files do not say or say it otherwise. Raises
    `BadInputError` for what is no eval, or where nothing would be left of it.
    """
    value = _unwrap(read_document(file.text, file.name))
    reader = _find_reader(value)
    if reader is None:
        raise BadInputError(
            f"'{file.name}' is no eval",
            "it has neither OpenAI's 'testing_criteria' nor Promptfoo's 'tests'",
            "For rows alone use the Prompts page, for graders alone `rewards import`",
        )
    name = PurePath(file.name).stem
    records = [(other.name, read_records(other.text, other.name)) for other in others]
    imported = reader(value, name, records, template)
    _refuse_half_characters(imported)
    shown = "".join(sign if sign.isprintable() else " " for sign in imported.name)
    return replace(imported, name=" ".join(shown.split())[:80] or name)


def is_eval(text: str, name: str) -> bool:
    """Whether this file is an eval, to be read by `read_eval`."""
    try:
        return _find_reader(_unwrap(read_document(text, name))) is not None
    except BadInputError:
        return False


def _unwrap(value: Any) -> Any:
    """The eval itself, where the file holds it beside its runs or its results."""
    for wrapper in WRAPPERS if isinstance(value, Mapping) and not _find_reader(value) else ():
        inner = value.get(wrapper)
        if isinstance(inner, Mapping) and _find_reader(inner):
            return {**{key: value[key] for key in RUNS if key in value}, **inner}
    return value


def _find_reader(value: Any) -> Reader | None:
    if is_openai_eval(value):
        return read_openai_eval
    return read_promptfoo if is_promptfoo(value) else None


def _refuse_half_characters(imported: ImportedEval) -> None:
    """JSON can hold half of a surrogate pair, which no database takes; rows are checked later."""
    try:
        f"{imported.rewards.to_json()}{imported.name}".encode()
    except UnicodeEncodeError as error:
        raise BadInputError(
            f"The eval holds \\u{ord(error.object[error.start]):04x}, which is half a character",
            "Half of a surrogate pair cannot be stored",
            "Write the whole character in its place",
        ) from error
