"""Bringing a run's columns up to date: `python -m rft_core.store.columns.building RUN_ID`.

It happens behind the run: a process of low priority reads what the worker has committed, a block at
a time (a quarter of a second of processor time each), and writes a file of its own. The worker
knows nothing of it, and no step waits for it. A block is one transaction; killed in between, it is
made again. What a resume has forgotten is taken away first. One process at a time, which holds a
lock; damaged columns are begun anew.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rft_core.errors import (
    DamagedDatabaseError,
    NewerDatabaseError,
    NotFoundError,
    RftError,
    WorkerError,
)
from rft_core.paths import (
    get_columns_lock_path,
    get_columns_path,
    get_run_db_path,
    get_runs_dir,
    keep_files_private,
)
from rft_core.store.columns.attached import (
    ColumnsUnreadableError,
    at_one_moment,
    attach,
    list_valid_blocks,
)
from rft_core.store.columns.blocks import ColumnBlock, keep_valid, list_blocks, read_attempts
from rft_core.store.columns.curve_blocks import CURVE_ROWS, Inserts, list_curve_rows
from rft_core.store.columns.grams import BLOCK_ROWS, index_texts
from rft_core.store.run_reader import open_run
from rft_core.store.schema.columns import COLUMNS_SCHEMA
from rft_core.store.sqlite.connections import list_wal_files
from rft_core.store.sqlite.database import open_for_writing, transaction
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.run_lock import FileLock

Array = NDArray[Any]
_OF = {"generations": ("blocks", "columns", "grams"), "metrics": ("curve_blocks", "curves", "axes")}
_NICE = 10  # training goes first, and yet a machine that always trains leaves it a tenth
_SIZES = {"generations": BLOCK_ROWS, "metrics": CURVE_ROWS}
_READ = (
    "SELECT id, step, split, prompt_id, truncated, reward, flags, completion FROM generations "
    "WHERE id > ? ORDER BY id LIMIT ?"
)


def has_backlog(runs_dir: Path, run_id: str) -> bool:
    """Whether a whole block could be added."""
    try:
        with open_run(runs_dir, run_id) as run:
            return any(_lacks_block(run, table, size) for table, size in _SIZES.items())
    except NotFoundError:
        return False


def _lacks_block(run: Database, table: str, size: int) -> bool:
    try:
        blocks = list_valid_blocks(run, of=table) if attach(run) else []
    except ColumnsUnreadableError:
        blocks = []
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE id > ? LIMIT ?)"
    after = blocks[-1].last_id if blocks else 0
    return bool(run.execute(sql, [after, size]).fetchone()[0] == size)


def build_columns(runs_dir: Path, run_id: str) -> int:
    """Add every whole block there is. How many were added; raises `WorkerError` where another
    process is at it, and what opening a run raises."""
    with open_run(runs_dir, run_id):
        pass  # of a run that is gone, no folder is made again
    lock = FileLock(get_columns_lock_path(runs_dir, run_id))
    lock.acquire()
    try:
        with closing(_open(get_columns_path(get_run_db_path(runs_dir, run_id)))) as columns:
            added = 0
            for table in _SIZES:
                while _add_block(runs_dir, run_id, columns, table):
                    added += 1
            return added
    finally:
        lock.release()


def _open(path: Path) -> Database:
    """Damaged ones, and those of a later version, are begun anew: nothing is lost with them."""
    try:
        return open_for_writing(path, COLUMNS_SCHEMA)
    except (DamagedDatabaseError, NewerDatabaseError):
        for file in (path, *list_wal_files(path)):
            file.unlink(missing_ok=True)
        return open_for_writing(path, COLUMNS_SCHEMA)


def _add_block(runs_dir: Path, run_id: str, columns: Database, table: str) -> bool:
    """Take away what holds no more, and add the next whole block; False where there is none."""
    with open_run(runs_dir, run_id) as run, at_one_moment(run):
        attempts = read_attempts(run)
        newest = run.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
        known = list_blocks(columns, _OF[table][0])
        held = keep_valid(known, attempts, newest)
        if len(held) < len(known):
            _take_away(columns, table, len(held))
        after = held[-1].last_id if held else 0
        if newest - after < _SIZES[table]:
            return False
        number, (attempt, started) = len(held), attempts.newest
        if table == "metrics":
            found = list_curve_rows(run, number, after)
            if found is None:
                return False
            first, last, last_step, inserts = found
        else:
            rows = run.execute(_READ, [after, BLOCK_ROWS]).fetchall()
            if len(rows) < BLOCK_ROWS:
                return False
            first, last, last_step = rows[0][0], rows[-1][0], max(row[1] for row in rows)
            inserts = _list_column_rows(run, number, rows)
    block = ColumnBlock(number, attempt, started, first, last, last_step)
    _write(columns, _OF[table][0], block, inserts)
    return True


def _take_away(columns: Database, table: str, first: int) -> None:
    with transaction(columns) as connection:
        for name in _OF[table]:
            connection.execute(f"DELETE FROM {name} WHERE block >= ?", (first,))


def _write(columns: Database, table: str, block: ColumnBlock, inserts: Inserts) -> None:
    with transaction(columns) as connection:
        connection.execute(
            f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)",
            (
                block.block, block.attempt, block.attempt_started, block.first_id, block.last_id,
                block.last_step,
            ),
        )  # fmt: skip
        for sql, rows in inserts:
            connection.executemany(sql, rows)


def _list_column_rows(run: Database, block: int, rows: Sequence[tuple[Any, ...]]) -> Inserts:
    ids, _, splits, prompts, truncated, rewards, flags, texts = zip(*rows, strict=True)
    contents = {
        "id": _numbers(ids, "<i8"),
        "prompt": _numbers(prompts, "<i8"),
        "reward": _numbers([np.nan if r is None else r for r in rewards], "<f8"),
        "validation": _bits([split == "validation" for split in splits]),
        "truncated": _bits(truncated),
        "plain": _bits([text.isascii() and "\0" not in text for text in texts]),
        **dict(_list_flags(flags)),
        **dict(_list_scores(run, np.array(ids))),
    }
    named = [(name, block, content) for name, content in contents.items()]
    grams = [(block, gram, content) for gram, content in index_texts([t.casefold() for t in texts])]
    return [
        ("INSERT INTO columns VALUES (?, ?, ?)", named),
        ("INSERT INTO grams VALUES (?, ?, ?)", grams),
    ]


def _list_flags(flags: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    places: dict[str, list[int]] = {}
    for place, text in enumerate(flags):
        for flag in json.loads(text) if text != "[]" else ():
            places.setdefault(flag, []).append(place)
    for flag, where in places.items():
        yield f"flag/{flag}", _bits_at(where)


def _list_scores(run: Database, ids: Array) -> Iterator[tuple[str, bytes]]:
    sql = "SELECT generation_id, name, score FROM scores WHERE generation_id BETWEEN ? AND ?"
    scores: dict[str, Array] = {}
    unscored = []
    rows = run.execute(sql, [int(ids[0]), int(ids[-1])]).fetchall()
    places = np.searchsorted(ids, [row[0] for row in rows]).tolist()
    for place, (_, name, score) in zip(places, rows, strict=True):
        if score is None:
            unscored.append(place)
        else:
            if name not in scores:
                scores[name] = np.full(len(ids), np.nan)
            scores[name][place] = score
    yield from ((f"score/{name}", _numbers(values, "<f8")) for name, values in scores.items())
    yield "unscored", _bits_at(unscored)


def _numbers(values: Sequence[Any] | Array, dtype: str) -> bytes:
    return np.asarray(values, dtype=dtype).tobytes()


def _bits(values: Sequence[Any]) -> bytes:
    return np.packbits(np.asarray(values, dtype=bool), bitorder="little").tobytes()


def _bits_at(places: Sequence[int]) -> bytes:
    bits = np.zeros(BLOCK_ROWS, dtype=bool)
    bits[places] = True
    return _bits(bits)  # type: ignore[arg-type]


def main() -> int:
    keep_files_private()
    os.nice(_NICE)
    try:
        build_columns(get_runs_dir(), sys.argv[1])
    except WorkerError:
        return 0  # another process is at it
    except RftError as error:
        print(error)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
