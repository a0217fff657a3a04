"""Drafts: work on a page that is not saved as a version yet. A reload, or a lost session, keeps it.

Whose draft it is counts: what a stranger's address names is not opened. The newest few are kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from rft_core.store.sqlite.database import read_rows, transaction
from rft_core.store.sqlite.without_pandas import Database

DraftKind = Literal["rewards"]
MOST_KEPT = 20  # of each person, of a kind


@dataclass(frozen=True)
class StoredDraft:
    """`content` is JSON, and means something to the page that wrote it alone."""

    id: str
    content: str


def set_draft(db: Database, kind: DraftKind, *, id: str, who: str, content: str) -> None:
    """In place of what was stored of it. The oldest make room."""
    with transaction(db) as connection:
        connection.execute(
            "INSERT INTO drafts (id, who, kind, content, updated_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET content = excluded.content, "
            "updated_at = excluded.updated_at WHERE who = excluded.who",
            (id, who, kind, content, time.time()),
        )
        connection.execute(
            "DELETE FROM drafts WHERE who = ? AND kind = ? AND id NOT IN (SELECT id FROM drafts "
            "WHERE who = ? AND kind = ? ORDER BY updated_at DESC LIMIT ?)",
            (who, kind, who, kind, MOST_KEPT),
        )


def find_draft(db: Database, kind: DraftKind, *, who: str, id: str = "") -> StoredDraft | None:
    """That one, or the newest where none is named; None where this person has no such draft."""
    clause = "FROM drafts WHERE who = ? AND kind = ? AND (id = ? OR ? = '') "
    newest = "ORDER BY updated_at DESC LIMIT 1"
    return next(iter(read_rows(db, StoredDraft, clause + newest, [who, kind, id, id])), None)
