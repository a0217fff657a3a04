"""What a judge has said before: scores by the hash of the question, in memory or in a file.

A file that fails later (locked, full, read-only) is given up, and scores are kept in memory from
there on: no score is lost for it, and what was paid for is not asked again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from rft_core.errors import BadInputError
from rft_core.rewards.judge.chat_endpoint import ChatReply

LOCK_SECONDS = 5.0  # to wait for another process that writes
NOT_ASKED = ChatReply("", 0, 0, 0.0)


@dataclass(frozen=True)
class JudgeScore:
    """What the judge said of one completion: a score in its own range, and what asking took."""

    score: float
    reason: str
    reply: ChatReply
    cached: bool = False


class ScoreCache:
    """Scores by the hash of the question, used from one thread."""

    def __init__(self, path: str) -> None:
        """Raises `BadInputError` for a file that cannot be used at all."""
        self._path = path
        self._problem = ""
        try:
            self._database = _open(path)
        except sqlite3.Error as error:
            raise BadInputError(
                f"The judge's cache '{path}' cannot be used",
                str(error),
                "Give cache_file a place that can be written, or leave it out",
            ) from error

    def find(self, keys: Iterable[str]) -> dict[str, JudgeScore]:
        """The scores that are known, by their keys."""
        wanted = list(keys)
        try:
            return self._find(wanted)
        except sqlite3.Error as error:
            self._give_up_file(error)
            return self._find(wanted)

    def keep(self, scores: Mapping[str, JudgeScore]) -> None:
        rows = [(key, one.score, one.reason) for key, one in scores.items()]
        try:
            _insert(self._database, rows)
        except sqlite3.Error as error:
            self._give_up_file(error)
            _insert(self._database, rows)

    def take_problem(self) -> str:
        """Why the file was given up, in words; empty if it was not, or if that was said before."""
        problem, self._problem = self._problem, ""
        return problem

    def close(self) -> None:
        self._database.close()

    def _find(self, keys: Sequence[str]) -> dict[str, JudgeScore]:
        query = "SELECT score, reason FROM verdicts WHERE key = ?"
        found = {key: self._database.execute(query, [key]).fetchone() for key in keys}
        return {
            key: JudgeScore(score=row[0], reason=row[1], reply=NOT_ASKED, cached=True)
            for key, row in found.items()
            if row
        }

    def _give_up_file(self, error: sqlite3.Error) -> None:
        memory = _open(":memory:")
        with suppress(sqlite3.Error):
            _insert(memory, self._database.execute("SELECT * FROM verdicts").fetchall())
        self._database.close()
        self._database = memory
        self._problem = (
            f"could not use its cache '{self._path}' ({error}) and keeps scores in memory from "
            "here on"
        )


def _open(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=LOCK_SECONDS, check_same_thread=False)
    database.execute(
        "CREATE TABLE IF NOT EXISTS verdicts (key TEXT PRIMARY KEY, score REAL, reason TEXT)"
    )
    return database


def _insert(database: sqlite3.Connection, rows: Sequence[tuple[str, float, str]]) -> None:
    with database:
        database.executemany(
            "INSERT OR REPLACE INTO verdicts (key, score, reason) VALUES (?, ?, ?)", rows
        )
