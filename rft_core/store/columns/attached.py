"""A run's columns, attached to the connection that reads the run.

They are a copy of what the run's own database holds. So where they are missing, damaged, of another
version or cannot be opened, the run is read without them: slower, and with the same result.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from rft_core.paths import get_columns_path
from rft_core.store.columns.blocks import ColumnBlock, keep_valid, list_blocks, read_attempts
from rft_core.store.columns.grams import BITS_BYTES, BLOCK_ROWS, list_grams, read_postings
from rft_core.store.schema.columns import COLUMNS_SCHEMA
from rft_core.store.sqlite.without_pandas import Database

Array = NDArray[Any]
T = TypeVar("T")
_SCHEMA = "columns"


class ColumnsUnreadableError(Exception):
    """What is attached is damaged. Never shown: the run is read without it."""


class Columns:
    """The beginning of a run's generations that stands in columns, in the order of their ids."""

    def __init__(self, db: Database, blocks: Sequence[ColumnBlock]) -> None:
        self.db, self.blocks = db, blocks
        self._ids: dict[int, Array] = {}

    @property
    def num_rows(self) -> int:
        return len(self.blocks) * BLOCK_ROWS

    @property
    def last_id(self) -> int:
        """Generations with larger ids do not stand here yet."""
        return self.blocks[-1].last_id if self.blocks else 0

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with reading_columns():
            return self.db.execute(sql, list(values)).fetchall()

    def get_bits(self, name: str) -> Array:
        """[num_rows] booleans."""
        content = np.zeros((len(self.blocks), BITS_BYTES), dtype=np.uint8)
        for block, bits in self._read_column(name):
            with reading_columns():
                content[block] = np.frombuffer(bits, dtype=np.uint8)
        return _unpack(content)

    def get_values(self, name: str, dtype: str, missing: float = 0) -> Array:
        """[num_rows] numbers; `missing` where a block has none."""
        found = np.full((len(self.blocks), BLOCK_ROWS), missing, dtype=dtype)
        for block, content in self._read_column(name):
            with reading_columns():
                found[block] = np.frombuffer(content, dtype=dtype)
        return found.ravel()

    def find_text(self, folded: str) -> Array:
        """[num_rows] booleans: where this text may occur; up to three characters are there."""
        found = np.full((len(self.blocks), BITS_BYTES), 0xFF, dtype=np.uint8)
        for gram in list_grams(folded):
            bits = np.zeros_like(found)
            for block, content in self.read(
                f"SELECT b.block, g.content FROM {_SCHEMA}.blocks b CROSS JOIN {_SCHEMA}.grams g "
                "ON g.block = b.block AND g.gram = ? WHERE b.block < ?",
                [gram, len(self.blocks)],
            ):
                bits[block] = read_postings(content)
            found &= bits
        return _unpack(found)

    def list_names(self, prefix: str) -> list[str]:
        """What columns there are whose names begin so, without that beginning."""
        rows = self.read(
            f"SELECT DISTINCT name FROM {_SCHEMA}.columns WHERE name >= ? AND name < ? "
            "AND block < ?",
            [prefix, prefix + "\U0010ffff", len(self.blocks)],
        )
        return [name.removeprefix(prefix) for (name,) in rows]

    def get_ids(self, places: Array) -> Array:
        """The ids of generations by their places among the rows."""
        found = np.empty(len(places), dtype=np.int64)
        of_block = places // BLOCK_ROWS
        for block in np.unique(of_block):
            here = of_block == block
            found[here] = self._get_block_ids(int(block))[places[here] % BLOCK_ROWS]
        return found

    def find_place(self, id: int) -> int:
        """How many of the rows have smaller ids."""
        block = int(np.searchsorted(self._last_ids, id))
        if block == len(self.blocks):
            return self.num_rows
        return block * BLOCK_ROWS + int(np.searchsorted(self._get_block_ids(block), id))

    @cached_property
    def _last_ids(self) -> Array:
        return np.array([block.last_id for block in self.blocks], dtype=np.int64)

    def _get_block_ids(self, block: int) -> Array:
        if block not in self._ids:
            sql = f"SELECT content FROM {_SCHEMA}.columns WHERE name = 'id' AND block = ?"
            with reading_columns():
                [(content,)] = self.read(sql, [block])
                self._ids[block] = np.frombuffer(content, dtype="<i8")
        return self._ids[block]

    def _read_column(self, name: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT block, content FROM {_SCHEMA}.columns WHERE name = ? AND block < ?"
        return self.read(sql, [name, len(self.blocks)])


def read_with_columns(
    db: Database, read: Callable[[Columns], T], read_without: Callable[[], T]
) -> T:
    """`read`, at one moment, where the run has columns that hold; else `read_without`."""
    if not attach(db):
        return read_without()
    try:
        with at_one_moment(db):
            blocks = list_valid_blocks(db)
            if blocks:
                return read(Columns(db, blocks))
    except ColumnsUnreadableError:
        with suppress(sqlite3.Error):
            db.execute(f"DETACH {_SCHEMA}")
    return read_without()


def attach(db: Database) -> bool:
    """Whether the columns are there: from now on as the schema `columns` of this connection."""
    places = {name: path for _, name, path in db.execute("PRAGMA database_list")}
    if _SCHEMA in places:
        return True
    path = get_columns_path(Path(places["main"])) if places["main"] else None
    if path is None or not path.is_file() or db.conn.in_transaction:
        return False
    try:
        db.execute(f"ATTACH ? AS {_SCHEMA}", [str(path)])
        version = db.execute(f"PRAGMA {_SCHEMA}.user_version").fetchone()[0]
        if version == len(COLUMNS_SCHEMA.names):
            return True
    except sqlite3.DatabaseError:  # damaged, or its folder cannot be written
        pass
    with suppress(sqlite3.Error):
        db.execute(f"DETACH {_SCHEMA}")
    return False


def list_valid_blocks(db: Database, *, of: str = "generations") -> list[ColumnBlock]:
    """Of `generations` or `metrics`, those that still hold."""
    table = "blocks" if of == "generations" else "curve_blocks"
    with (
        reading_columns()
    ):  # the columns before the run: of two moments theirs must be the older one
        blocks = list_blocks(db, f"{_SCHEMA}.{table}")
    newest = db.execute(f"SELECT coalesce(max(id), 0) FROM {of}").fetchone()[0]
    return keep_valid(blocks, read_attempts(db), newest)


@contextmanager
def at_one_moment(db: Database) -> Iterator[None]:
    """What is read inside is all of one moment, whatever is written meanwhile."""
    if db.conn.in_transaction:
        yield
        return
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


@contextmanager
def reading_columns() -> Iterator[None]:
    """What SQLite says of them meanwhile is said as `ColumnsUnreadableError`."""
    try:
        yield
    except (sqlite3.DatabaseError, ValueError, KeyError) as error:
        raise ColumnsUnreadableError from error


def _unpack(content: Array) -> Array:
    return np.unpackbits(content.ravel(), bitorder="little").view(bool)
