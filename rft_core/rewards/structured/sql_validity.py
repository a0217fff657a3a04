"""SQL that SQLite can prepare against the row's schema. Nothing is ever run.

The schema (CREATE statements) is built in memory and the statement is compiled with EXPLAIN under
an authorizer that refuses pragmas, ATTACH and all else that acts outside the tables. It must be one
statement, and unless told otherwise read one of the schema's tables: `SELECT 1` is always valid.
This says that the names and the grammar are right, not that the query answers the question.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time

from rft_core.rewards.completion_text import EXTRACTIONS, without_fence
from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import TEXT_EXTRACTION, GraderInfo, GraderOption
from rft_core.types import Row

LONGEST_STATEMENT = 10_000
TIMEOUT_SECONDS = 0.5
READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION,
           sqlite3.SQLITE_RECURSIVE}  # fmt: skip
CHANGING = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
BUILDING = READING | CHANGING | {
    sqlite3.SQLITE_CREATE_TABLE, sqlite3.SQLITE_CREATE_INDEX, sqlite3.SQLITE_CREATE_VIEW,
    sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_REINDEX,
}  # fmt: skip
REACHING_OUT = {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer"}
LIMITS = {
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 20,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}

_STARTS = re.compile(
    r"(?>\s|--[^\n]*\n|/\*(?s:.*?)\*/)*+(?:select|with|values|insert|replace|update|delete)\b",
    re.IGNORECASE,
)
_TOKEN = re.compile(  # ?, ?1, and where a question mark means nothing
    r"""\?\d*+|'[^']*+'?|"[^"]*+"?|`[^`]*+`?|\[[^\]]*+\]?|--[^\n]*+|/\*(?s:.*?)(?:\*/|\Z)"""
)


class _Guard:
    """Decides what a statement may do, and remembers which tables it touched."""

    def __init__(self, allowed: set[int]) -> None:
        self.allowed = allowed
        self.tables: set[str] = set()

    def __call__(self, action: int, first: str | None, *more: str | None) -> int:
        if action not in self.allowed or REACHING_OUT & set(more):
            return sqlite3.SQLITE_DENY
        if action in CHANGING | {sqlite3.SQLITE_READ} and first:
            self.tables.add(first.casefold())
        return sqlite3.SQLITE_OK


def grade_sql(
    completion: str,
    row: Row,
    *,
    schema_column: str = "schema",
    extraction: str = "answer_tag",
    allow_changes: bool = False,
    must_use_table: bool = True,
) -> Grade:
    """1 if the completion's only statement compiles against the row's tables."""
    schema = row.get(schema_column)
    if not isinstance(schema, str) or not schema.strip():
        return Grade(None, f"The row has no CREATE statements in '{schema_column}'.")
    answer = EXTRACTIONS[extraction](completion)
    if answer.text is None:
        return Grade(0.0, answer.problem, answer.flags)
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        try:
            tables = _build(database, schema)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:  # of text that is not UTF-8
            return Grade(None, f"The row's schema cannot be built: {error}.")
        guard = _Guard(READING | CHANGING if allow_changes else READING)
        problem = _compile(database, without_fence(answer.text), guard)
    if problem:
        return Grade(0.0, f"{problem}.")
    if must_use_table and not guard.tables & tables:
        return Grade(0.0, "It uses none of the tables.", ("no_table",))
    return Grade(1.0, "It is one valid statement over these tables.")


def _build(database: sqlite3.Connection, schema: str) -> set[str]:
    """The names of the schema's tables and views, in lower case."""
    for limit, value in LIMITS.items():
        database.setlimit(limit, value)
    _stop_in_time(database)
    database.set_authorizer(_Guard(BUILDING))
    database.executescript(schema)
    database.set_authorizer(None)
    names = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    return {str(name).casefold() for (name,) in names}


def _compile(database: sqlite3.Connection, statement: str, guard: _Guard) -> str:
    """What is wrong with the statement, or nothing. EXPLAIN compiles it and runs none of it."""
    if len(statement) > LONGEST_STATEMENT:
        return f"It has {len(statement):,} characters, too many to check"
    if not _STARTS.match(statement):
        return "It does not begin with SELECT or another statement about rows"
    _stop_in_time(database)
    database.set_authorizer(guard)
    try:
        database.execute(f"EXPLAIN {_name_parameters(statement)}", _Anything()).fetchone()
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return str(error)[:200] or type(error).__name__
    return ""


def _name_parameters(statement: str) -> str:
    """The statement with a name for every `?` outside of quotes and comments."""
    return _TOKEN.sub(lambda token: " :p " if token[0] == "?" else token[0], statement)


class _Anything(dict[str, None]):
    """A value for every named parameter, since a statement with parameters is valid too."""

    def __missing__(self, name: str) -> None:
        return None


def _stop_in_time(database: sqlite3.Connection) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    database.set_progress_handler(lambda: time.monotonic() > deadline, 1_000)


SQL = GraderInfo(
    "sql",
    grade_sql,
    "1 if the answer is one SQL statement that is valid for the row's tables. It is never run.",
    (
        GraderOption("schema_column", "text", "schema", "Column with the CREATE statements."),
        TEXT_EXTRACTION,
        GraderOption("allow_changes", "bool", False, "INSERT, UPDATE and DELETE are valid too."),
        GraderOption("must_use_table", "bool", True, "It must use one of the tables."),
    ),
)
