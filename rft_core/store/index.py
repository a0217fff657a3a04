"""Opens the index database of a runs folder.

`sets.py`, `runs.py`, `commands.py`, `evaluations.py` and `preferences.py` say what it holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rft_core.errors import DiskFullError, NotWritableError
from rft_core.paths import get_index_path
from rft_core.store.schema.index import INDEX_SCHEMA
from rft_core.store.sqlite.database import explained_reading, open_for_reading, open_for_writing
from rft_core.store.sqlite.reserve import ensure_reserve
from rft_core.store.sqlite.without_pandas import Database


@contextmanager
def open_index(runs_dir: Path) -> Iterator[Database]:
    """Open it, made and migrated as needed; where nothing can be written, to read it only.

    Writing then says why it cannot. Raises `NewerDatabaseError` and `DamagedDatabaseError`.
    """
    path = get_index_path(runs_dir)
    try:
        is_new = not path.exists()
        db = open_for_writing(path, INDEX_SCHEMA)
        db.execute("PRAGMA synchronous = FULL")  # what people asked for survives a power cut
        if is_new:
            ensure_reserve(runs_dir)
    except (DiskFullError, NotWritableError):
        if not path.exists():
            raise
        db = open_for_reading(path, INDEX_SCHEMA)
    try:
        with explained_reading(path):
            yield db
    finally:
        db.close()
