"""Rewards from a file that somebody brings: OpenAI's grader JSON, or Python.

Python is TRL's (functions of `completions`) or OpenAI's (`grade(sample, item)`). Nothing is run.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import PurePath

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.exchange.evals.eval_file import is_eval
from rft_core.rewards.exchange.openai_graders import (
    Imported,
    adapt_grade,
    identifier,
    import_grader,
)
from rft_core.rewards.exchange.openai_spec import defines_grade
from rft_core.rewards.python_source import inspect_source, reward_set_from_source


def read_reward_file(file_name: str, text: str) -> Imported:
    """The rewards of a `.json` file, else of Python. Raises `BadInputError` for what is neither."""
    path = PurePath(file_name)
    if path.suffix.lower() in (".json", ".yaml", ".yml") and is_eval(text, file_name):
        raise BadInputError(
            f"'{file_name}' is an eval: prompts and rewards in one",
            "Here graders or reward functions alone are read",
            f"Use `python -m rft_core import {file_name}`, or 'Eval' on the Prompts page",
        )
    if path.suffix.lower() == ".json":
        imported = import_grader(text)
        named = replace(imported.rewards, name=imported.rewards.name or path.stem)
        imported = Imported(named, imported.remarks)
    else:
        imported = read_python(text, path.stem)
    _refuse_half_characters(imported.rewards)
    return imported


def read_python(source: str, name: str) -> Imported:
    """TRL's reward functions; where there are none, OpenAI's `grade`."""
    report = inspect_source(source)
    if not report.functions and report.error_line is None and _defines_grade(source):
        return Imported(
            RewardSet((adapt_grade(source, identifier(name)),), name),
            ("The source defines grade(sample, item), which is called for each completion.",),
        )
    return Imported(reward_set_from_source(source, name))


def _refuse_half_characters(rewards: RewardSet) -> None:
    """JSON can hold half of a surrogate pair, which no file and no database takes."""
    try:
        rewards.to_json().encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInputError(
            f"The rewards hold \\u{ord(error.object[error.start]):04x}, which is half a character",
            "Half of a surrogate pair cannot be stored",
            "Write the whole character in its place",
        ) from error


def looks_like_json(text: str) -> bool:
    return text.lstrip().startswith(("{", "["))


def read_pasted(text: str, name: str) -> Imported:
    """What somebody pasted: JSON begins with a bracket, and no Python source does."""
    if not text.strip():
        raise BadInputError("There is nothing to import", "", "Paste a grader or Python functions")
    suffix = ".json" if looks_like_json(text) else ".py"
    return read_reward_file(name + suffix, text)


def _defines_grade(source: str) -> bool:
    try:
        return defines_grade(ast.parse(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
