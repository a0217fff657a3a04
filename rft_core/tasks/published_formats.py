"""Rows as datasets publish them -> columns of our tasks: MBPP, HumanEval, SVAMP, MathQA and IFEval.

A format is known by its columns. A row that cannot be used is left out with the reason, and the
others go on; GSM8K needs nothing of this, its columns are our own. Tests stay as they were written;
only one of a published problem is visible: a prompt that shows them all leaves nothing to be found
out. So a problem with a single test has it hidden, or further cases drawn beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rft_core.data.row_forms import Adopted
from rft_core.data.table import Table
from rft_core.errors import BadInputError
from rft_core.rewards.answers.matching import list_options
from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.code.assert_lines import AssertLine, read_assert
from rft_core.rewards.code.python_tests import split_check
from rft_core.rewards.code.random_inputs import describe_input
from rft_core.rewards.code.unit_tests import read_entry_point, read_unit_tests
from rft_core.tasks.ifeval_rows import IDS, VALUES, constraints_of
from rft_core.types import Row


@dataclass(frozen=True)
class PublishedFormat:
    """`convert` gives our columns for a row of the `tasks`; it raises `ValueError`, with why."""

    name: str
    tasks: tuple[str, ...]
    columns: frozenset[str]
    convert: Callable[[Row], Row]


def guess_published_task(table: Table) -> str:
    """The task that a published table is for, by its columns; empty where none is known."""
    return next((known.tasks[0] for known in FORMATS if known.columns <= set(table.columns)), "")


def adopt_table(table: Table, task: str) -> Adopted:
    """The table as `task` reads it. Raises `BadInputError` where no row can be used."""
    for known in FORMATS:
        if task in known.tasks and known.columns <= set(table.columns):
            return _convert(table, known)
    return Adopted(table)


def _convert(table: Table, known: PublishedFormat) -> Adopted:
    rows, left_out = [], []
    for number, row in enumerate(table.rows, start=1):
        try:
            ours = known.convert(row)
        except ValueError as error:
            left_out.append(f"Row {number}: {error}")
            continue
        names = {name.casefold() for name in ours}  # SVAMP's "Question" is only half of ours
        rows.append({name: row[name] for name in row if name.casefold() not in names} | dict(ours))
    if not rows:
        raise BadInputError(
            f"No row of '{table.name}' can be used",
            f"it has the columns of {known.name}, but {left_out[0]}",
            "Correct the rows, or rename the columns to those of a task",
        )
    adopted = Table(table.name, table.format, tuple(rows[0]), tuple(rows))
    return Adopted(adopted, known.name, tuple(left_out))


def _from_mbpp(row: Row) -> Row:
    """What a test needs beside the function stands before it: MBPP has it in columns of its own."""
    lines = [*_as_list(row, "test_list"), *_as_list(row, "challenge_test_list")]
    if not all(isinstance(line, str) for line in lines):
        raise ValueError("it has tests that are no texts")
    before = [str(row.get("test_setup_code") or ""), *map(str, _as_list(row, "test_imports"))]
    setup = "".join(f"{text.strip()}\n" for text in before if text.strip())
    tests = [line.strip() if _read_plain(line) else f"{setup}{line.strip()}" for line in lines]
    prompt = row.get("text") or row.get("prompt")
    return _with_tests({"prompt": prompt, "reference": row.get("code")}, tests)


def _from_human_eval(row: Row) -> Row:
    reference = f"{row['prompt']}{row['canonical_solution']}"
    mine = {"prompt": row["prompt"], "entry_point": row["entry_point"], "reference": reference}
    return _with_tests(mine, split_check(str(row["test"]), str(row["entry_point"])))


def _with_tests(row: Row, tests: list[str]) -> Row:
    """The row with these tests: the first of one line is visible, where others are not."""
    if not tests:
        raise ValueError("it has no assert lines as tests")
    tests = list(dict.fromkeys(tests))
    row = {**row, "tests": tests}
    row["entry_point"] = read_entry_point(row)
    read_unit_tests(row, row["entry_point"])
    inputs = _describe_inputs(row, tests[0]) if len(tests) == 1 else []
    lines = [test for test in tests if "\n" not in test] if len(tests) > 1 or inputs else []
    hidden = [test for test in tests if test not in lines[:1]]
    return {**row, "tests": lines[:1], "hidden_tests": hidden, "inputs": inputs}


def _describe_inputs(row: Row, test: str) -> list[Row]:
    """Inputs like those of the only test, for which the reference gives further answers."""
    line = _read_plain(test)
    if not line or not row.get("reference"):
        return []
    described = [describe_input(argument) for argument in line.arguments]
    known: list[Row] = [spec for spec in described if spec]
    return known if len(known) == len(described) else []


def _read_plain(test: str) -> AssertLine | None:
    try:
        return read_assert(test)
    except ValueError:
        return None


def _from_svamp(row: Row) -> Row:
    """The equation becomes a calculation mark of GSM8K: a gold thought, and a gold program."""
    body, answer = str(row["Body"]).strip(), parse_number(str(row["Answer"]))
    if answer is None:
        raise ValueError(f"'Answer' is {row['Answer']!r:.40}, not a number")
    joined = f"{body}{'' if body.endswith(('.', ',', '?', '!')) else '.'} {row['Question']}"
    equation = str(row.get("Equation") or "").strip()
    worked = f"{equation} = <<{equation}={row['Answer']}>>{row['Answer']}\n" if equation else ""
    return {"question": joined, "answer": f"{worked}#### {row['Answer']}"}


def _from_mathqa(row: Row) -> Row:
    """The number that the right choice states."""
    letter = str(row["correct"]).strip().upper()
    text = list_options(row["options"]).get(letter, "").removeprefix("rs . ")
    if parse_number(text) is None:
        raise ValueError(f"the right choice, '{text:.40}', is not one number")
    return {"answer": text}


def _as_list(row: Row, column: str) -> list[Any]:
    value = row.get(column) or []
    if not isinstance(value, list):
        raise ValueError(f"'{column}' is not a list")
    return value


MATHQA_COLUMNS = frozenset({"Problem", "options", "correct"})
FORMATS = (
    PublishedFormat("MBPP", ("python_code",), frozenset({"code", "test_list"}), _from_mbpp),
    PublishedFormat(
        "HumanEval",
        ("python_code",),
        frozenset({"prompt", "entry_point", "test", "canonical_solution"}),
        _from_human_eval,
    ),
    PublishedFormat(
        "SVAMP",
        ("word_problems", "word_problems_program"),
        frozenset({"Body", "Question", "Answer"}),
        _from_svamp,
    ),
    PublishedFormat("MathQA", ("mathqa",), MATHQA_COLUMNS, lambda row: {}),
    PublishedFormat("MathQA", ("mathqa_numeric", "mathqa_program"), MATHQA_COLUMNS, _from_mathqa),
    PublishedFormat(
        "IFEval", ("instructions",), frozenset({"prompt", IDS, VALUES}), constraints_of
    ),
)
