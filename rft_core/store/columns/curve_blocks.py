"""The curves of a run in blocks of metrics: written behind it, read at once.

A block holds some 16,000 rows of `metrics`, of whole steps: within it, curves that were measured at
the same steps share these steps, and what they say of time and tokens, and so they do over blocks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rft_core.store.columns.attached import (
    ColumnsUnreadableError,
    at_one_moment,
    attach,
    list_valid_blocks,
    reading_columns,
)
from rft_core.store.sqlite.without_pandas import Database

Array = NDArray[Any]
CURVE_ROWS = 16_384
_AXIS = np.dtype([("step", "<i8"), ("elapsed", "<f8"), ("tokens", "<i8")])
Inserts = Sequence[tuple[str, Sequence[tuple[object, ...]]]]


@dataclass(frozen=True, eq=False)
class StoredCurve:
    """One metric of one split: ascending steps, seconds and completion tokens since step 0, values
    (NaN: not finite). Curves that were measured at the same steps share the arrays of these."""

    split: str
    name: str
    step: Array
    elapsed: Array
    tokens: Array
    value: Array


def read_stored_curves(db: Database) -> tuple[int, list[StoredCurve]]:
    """Those that stand in columns, and the last id of `metrics` among them: (0, []) where none do.

    What has larger ids is read with `run_reader.metrics_frame`.
    """
    try:
        if attach(db):
            with at_one_moment(db):
                blocks = list_valid_blocks(db, of="metrics")
                if blocks:
                    with reading_columns():
                        return blocks[-1].last_id, _read_curves(db, len(blocks))
    except ColumnsUnreadableError:
        pass
    return 0, []


def list_curve_rows(run: Database, block: int, after: int) -> tuple[int, int, int, Inserts] | None:
    """First id, last id, last step, and what to insert; None where no whole block follows."""
    rows = run.execute(
        "SELECT m.id, m.step, m.split, m.name, m.value, coalesce(s.elapsed, 0), "
        "coalesce(s.tokens, 0) FROM metrics m LEFT JOIN steps s ON s.step = m.step "
        "WHERE m.id > ? ORDER BY m.id LIMIT ?",
        [after, CURVE_ROWS],
    ).fetchall()
    if len(rows) < CURVE_ROWS:
        return None
    whole = next((at for at in range(CURVE_ROWS, 0, -1) if rows[at - 1][1] != rows[-1][1]), 0)
    rows = rows[: whole or CURVE_ROWS]
    curves: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
    for row in rows:
        curves.setdefault((row[2], row[3]), []).append(row)
    axes: dict[bytes, int] = {}
    stored: list[tuple[object, ...]] = []
    for (split, name), points in curves.items():
        content = np.array([(p[1], p[5], p[6]) for p in points], dtype=_AXIS).tobytes()
        axis = axes.setdefault(content, len(axes))
        values = [p[4] if math.isfinite(p[4]) else math.nan for p in points]
        stored.append((block, split, name, axis, np.array(values, dtype="<f8").tobytes()))
    inserts: Inserts = [
        ("INSERT INTO curves VALUES (?, ?, ?, ?, ?)", stored),
        ("INSERT INTO axes VALUES (?, ?, ?)", [(block, at, axis) for axis, at in axes.items()]),
    ]
    return rows[0][0], rows[-1][0], max(row[1] for row in rows), inserts


def _read_curves(db: Database, count: int) -> list[StoredCurve]:
    axes = {
        (block, axis): np.frombuffer(content, dtype=_AXIS)
        for block, axis, content in db.execute(
            "SELECT block, axis, content FROM columns.axes WHERE block < ?", [count]
        )
    }
    parts: dict[tuple[str, str], list[tuple[tuple[int, int], bytes]]] = {}
    for block, split, name, axis, content in db.execute(
        "SELECT block, split, name, axis, content FROM columns.curves WHERE block < ? "
        "ORDER BY block, rowid",
        [count],
    ):
        parts.setdefault((split, name), []).append(((block, axis), content))
    joined: dict[tuple[tuple[int, int], ...], tuple[Array, Array, Array]] = {}
    curves = []
    for (split, name), pieces in parts.items():
        keys = tuple(key for key, _ in pieces)
        if keys not in joined:
            joined[keys] = _join_axes([axes[key] for key in keys])
        step, elapsed, tokens = joined[keys]
        value = np.frombuffer(b"".join(content for _, content in pieces), dtype="<f8")
        curves.append(StoredCurve(split, name, step, elapsed, tokens, value))
    return curves


def _join_axes(pieces: Sequence[Array]) -> tuple[Array, Array, Array]:
    step, elapsed, tokens = (
        np.concatenate([piece[name] for piece in pieces]) for name in ("step", "elapsed", "tokens")
    )
    return step, elapsed, tokens
