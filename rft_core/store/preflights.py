"""The preflight of a run as it is stored: what it tried, what that earned, and what was found."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass

from rft_core.store.sqlite.database import read_rows
from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class StoredPreflight:
    """`num_generations` completions of each of `prompts`, in `seconds` of sampling and scoring.

    `scored` of them have a reward, from `lowest` to `highest`; None where none has. `report`: JSON
    of what was found, as `diagnosis.preflight.report` writes and reads it.
    """

    prompts: int
    num_generations: int
    seconds: float
    scored: int
    lowest: float | None
    highest: float | None
    report: str


def get_preflight(db: Database) -> StoredPreflight | None:
    """None where there was none: it was not wanted, or has not been made yet."""
    return next(iter(read_rows(db, StoredPreflight, "FROM preflight")), None)


def write_preflight(connection: sqlite3.Connection, found: StoredPreflight) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO preflight (id, time, prompts, num_generations, seconds, scored, "
        "lowest, highest, report) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            time.time(), found.prompts, found.num_generations, found.seconds, found.scored,
            found.lowest, found.highest, found.report,
        ),
    )  # fmt: skip
