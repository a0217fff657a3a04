"""Content-addressed sets in the index: prompt sets and reward sets, stored once and never changed.

A set is known by the hash of its content: adding the same one twice is adding it once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from rft_core.errors import NotFoundError
from rft_core.store.database import transaction


@dataclass(frozen=True)
class StoredSet:
    """A prompt set or reward set as listed; `content` is its JSON. `version` is 0 for prompts."""

    id: str
    name: str
    version: int
    created_at: float
    content: str


def ensure_prompt_set(
    db: Database, *, id: str, name: str, task: str | None, num_rows: int, content: str
) -> None:
    with transaction(db) as connection:
        connection.execute(
            "INSERT OR IGNORE INTO prompt_sets (id, name, task, num_rows, content, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (id, name, task, num_rows, content, time.time()),
        )


def get_prompt_set(db: Database, id: str) -> StoredSet:
    return _one_set(
        db, "SELECT id, name, 0, created_at, content FROM prompt_sets", id, "prompt set"
    )


def list_prompt_sets(db: Database) -> list[dict[str, Any]]:
    """Newest first, without the content."""
    columns = "id, name, task, num_rows, created_at"
    return list(db.query(f"SELECT {columns} FROM prompt_sets ORDER BY created_at DESC"))


def ensure_reward_set(db: Database, *, id: str, name: str, content: str) -> int:
    """Store and return its version: 1, 2, ... under its name; an unchanged set keeps its own."""
    with transaction(db) as connection:
        row = connection.execute("SELECT version FROM reward_sets WHERE id = ?", (id,)).fetchone()
        if row:
            return int(row[0])
        version = 1 + int(
            connection.execute(
                "SELECT coalesce(max(version), 0) FROM reward_sets WHERE name = ?", (name,)
            ).fetchone()[0]
        )
        connection.execute(
            "INSERT INTO reward_sets (id, name, version, content, created_at) "
            "VALUES (?, ?, ?, ?, ?)",
            (id, name, version, content, time.time()),
        )
        return version


def get_reward_set(db: Database, id: str) -> StoredSet:
    sql = "SELECT id, name, version, created_at, content FROM reward_sets"
    return _one_set(db, sql, id, "reward set")


def list_reward_sets(db: Database) -> list[dict[str, Any]]:
    """Newest first, without the content."""
    columns = "id, name, version, created_at"
    return list(
        db.query(f"SELECT {columns} FROM reward_sets ORDER BY created_at DESC, version DESC")
    )


def _one_set(db: Database, select: str, id: str, what: str) -> StoredSet:
    for row in db.execute(f"{select} WHERE id = ?", [id]):
        return StoredSet(*row)
    raise NotFoundError(
        f"There is no {what} '{id}'", "", "List the stored sets with: python -m rft_core sets"
    )
