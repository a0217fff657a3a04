"""Content-addressed sets in the index (prompts, rewards, pairs, held-out rows), stored for good.

A set is known by its kind and the hash of its content: adding the same one twice is adding it once.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal

from rft_core.errors import NotFoundError
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database

SetKind = Literal["prompts", "rewards", "held_out", "pairs"]
TITLES: dict[SetKind, str] = {
    "prompts": "prompt set",
    "rewards": "reward set",
    "pairs": "pair set",
    "held_out": "set of held-out rows",
}


@dataclass(frozen=True)
class StoredSet:
    """One version of what is stored under a name; `content` is its JSON."""

    id: str
    name: str
    version: int
    created_at: float
    content: str


def ensure_set(
    db: Database,
    kind: SetKind,
    *,
    id: str,
    name: str,
    content: str,
    task: str | None = None,
    num_rows: int | None = None,
) -> int:
    """Store and return its version: 1, 2, ... under its name; a known set keeps name and version.

    `task`: whose prompts these are. `num_rows`: how many there are, of what has rows.
    """
    with transaction(db) as connection:
        known = "SELECT version FROM sets WHERE kind = ? AND id = ?"
        if row := connection.execute(known, (kind, id)).fetchone():
            return int(row[0])
        last = "SELECT coalesce(max(version), 0) FROM sets WHERE kind = ? AND name = ?"
        version = 1 + int(connection.execute(last, (kind, name)).fetchone()[0])
        connection.execute(
            "INSERT INTO sets (kind, id, name, version, task, num_rows, content, created_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (kind, id, name, version, task, num_rows, content, time.time()),
        )
        return version


def get_set(db: Database, kind: SetKind, id: str) -> StoredSet:
    """Raises `NotFoundError`."""
    columns = "id, name, version, created_at, content"
    for row in db.execute(f"SELECT {columns} FROM sets WHERE kind = ? AND id = ?", [kind, id]):
        return StoredSet(*row)
    raise NotFoundError(
        f"There is no {TITLES[kind]} '{id}'",
        "",
        "List the stored sets with: python -m rft_core sets",
    )


def list_sets(db: Database, kind: SetKind) -> list[dict[str, Any]]:
    """Newest first, without the content."""
    sql = (
        "SELECT id, name, version, task, num_rows, created_at FROM sets WHERE kind = ? "
        "ORDER BY created_at DESC, version DESC"
    )
    return list(db.query(sql, [kind]))
