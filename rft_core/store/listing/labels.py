"""What people say of runs: tags, and whether a run is put aside."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from rft_core.errors import BadInputError, quote
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database

LONGEST_TAG = 40  # characters
MOST_TAGS = 20  # of a run


@dataclass(frozen=True)
class RunLabels:
    """`tags`: sorted. `archived_at`: seconds since the epoch; None for a run that is not."""

    tags: tuple[str, ...] = ()
    archived_at: float | None = None

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None


def list_labels(db: Database) -> dict[str, RunLabels]:
    """By run; nothing of runs of which nothing was ever said."""
    rows = db.execute("SELECT run, tags, archived_at FROM run_labels")
    return {run: RunLabels(tuple(json.loads(tags)), at) for run, tags, at in rows}


def add_tag(db: Database, runs: Sequence[str], tag: str) -> None:
    """To all of them. Raises `BadInputError` for a tag that is none, and for too many of one."""
    name = clean_tag(tag)
    _change_tags(db, runs, lambda tags: {*tags, name})


def remove_tag(db: Database, runs: Sequence[str], tag: str) -> None:
    """From those that have it."""
    _change_tags(db, runs, lambda tags: set(tags) - {tag})


def set_archived(db: Database, runs: Sequence[str], archived: bool) -> None:
    """Put them aside, or back. A run that was put aside before keeps its time."""
    at = time.time() if archived else None
    with transaction(db) as connection:
        for run in runs:
            connection.execute(
                "INSERT INTO run_labels (run, archived_at) VALUES (?, ?) ON CONFLICT (run) DO "
                "UPDATE SET archived_at = CASE WHEN excluded.archived_at IS NULL THEN NULL "
                "ELSE coalesce(archived_at, excluded.archived_at) END",
                (run, at),
            )


def clean_tag(text: str) -> str:
    """One short line without a comma, which parts tags where people type them."""
    tag = " ".join(text.split())
    if not tag or "," in tag or not tag.isprintable() or len(tag) > LONGEST_TAG:
        raise BadInputError(
            f"{quote(text)} is no tag",
            f"A tag has 1 to {LONGEST_TAG} characters and no comma",
            "Choose a short word",
        )
    return tag


def _change_tags(
    db: Database, runs: Sequence[str], change: Callable[[Iterable[str]], set[str]]
) -> None:
    with transaction(db) as connection:
        known = list_labels(db)
        for run in runs:
            tags = sorted(change(known.get(run, RunLabels()).tags))
            if len(tags) > MOST_TAGS:
                raise BadInputError(
                    f"Run '{run}' would have {len(tags)} tags",
                    f"A run has at most {MOST_TAGS}",
                    "Remove one first",
                )
            connection.execute(
                "INSERT INTO run_labels (run, tags) VALUES (?, ?) "
                "ON CONFLICT (run) DO UPDATE SET tags = excluded.tags",
                (run, json.dumps(tags, ensure_ascii=False)),
            )
