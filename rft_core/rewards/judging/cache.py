"""What a judge has said before: verdicts by the hash of the question, in memory or in a file."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from rft_core.errors import BadInputError
from rft_core.rewards.judging.chat_endpoint import Reply


@dataclass(frozen=True)
class Verdict:
    """What the judge said of one completion: a score in its own range, and what asking took."""

    score: float
    reason: str
    reply: Reply
    cached: bool = False


class VerdictCache:
    """Verdicts by the hash of the question, used from one thread."""

    def __init__(self, path: str) -> None:
        try:
            self._database = sqlite3.connect(path, timeout=10, check_same_thread=False)
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS verdicts "
                "(key TEXT PRIMARY KEY, score REAL, reason TEXT)"
            )
        except sqlite3.Error as error:
            raise BadInputError(f"The judge's cache '{path}' cannot be used", str(error)) from error

    def get(self, key: str) -> Verdict | None:
        query = "SELECT score, reason FROM verdicts WHERE key = ?"
        found = self._database.execute(query, [key]).fetchone()
        return found and Verdict(found[0], found[1], Reply("", 0, 0, 0.0), cached=True)

    def put(self, key: str, verdict: Verdict) -> None:
        with self._database:
            self._database.execute(
                "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?)",
                [key, verdict.score, verdict.reason],
            )

    def close(self) -> None:
        self._database.close()
