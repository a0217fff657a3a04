"""Which of the generations that stand in columns a filter lets through.

Every condition is one pass over one column, a few milliseconds for a million generations, whatever
the others are. Of a text of more than three characters the columns only say where it may be: those
completions are looked at, in the run's own database, newest first and as many as are needed.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rft_core.store.columns.attached import Columns
from rft_core.store.columns.grams import LONGEST
from rft_core.store.search import (
    GenerationFilter,
    fold,
    get_bounds,
    is_matched_as_ascii,
    where_clause,
)

Array = NDArray[Any]
_FIRST_LOOK, _LONGEST_LOOK = 128, 4096  # completions that are looked at together


@dataclass(frozen=True)
class Counted:
    """`is_exact` False: so many at least. It would have taken too long to look at all."""

    number: int
    is_exact: bool = True


def make_budget(seconds: float | None) -> Callable[[], bool]:
    """Whether so much processor time is used up since now, or four times that of any; None: never.

    Where others use the processors, an answer that waits a little is better than half of one.
    """
    if seconds is None:
        return lambda: False
    used, began = time.thread_time(), time.monotonic()
    return lambda: time.thread_time() - used > seconds or time.monotonic() - began > 4 * seconds


@dataclass(frozen=True, eq=False)
class Matching:
    """[num_rows] booleans each: what may match, and what of it must be looked at to know."""

    columns: Columns
    where: GenerationFilter
    may: Array
    unsure: Array

    def count(self, is_over: Callable[[], bool]) -> Counted:
        """`is_over`: whether nothing more may be looked at."""
        certain = int(np.count_nonzero(self.may & ~self.unsure))
        places = np.flatnonzero(self.may & self.unsure)[::-1]
        found = 0
        for first, last in _list_looks(len(places)):
            if is_over():
                return Counted(certain + found, is_exact=False)
            found += len(self._look_at(self.columns.get_ids(places[first:last])))
        return Counted(certain + found)

    def iterate_ids(self, *, newest_first: bool, before_id: int | None) -> Iterator[int]:
        """In that order, beyond `before_id`."""
        places = self._list_places(newest_first, before_id)
        for first, last in _list_looks(len(places)):
            chosen = places[first:last]
            ids = self.columns.get_ids(chosen)
            is_unsure = self.unsure[chosen]
            if is_unsure.any():
                found = self._look_at(ids[is_unsure])
                ids = ids[~is_unsure | np.isin(ids, found)]
            yield from ids.tolist()

    def _list_places(self, newest_first: bool, before_id: int | None) -> Array:
        if not newest_first:
            first = 0 if before_id is None else self.columns.find_place(before_id + 1)
            return first + np.flatnonzero(self.may[first:])
        last = self.columns.num_rows if before_id is None else self.columns.find_place(before_id)
        return np.flatnonzero(self.may[:last])[::-1]

    def _look_at(self, ids: Array) -> list[int]:
        """Those whose completions hold the text."""
        db = self.columns.db
        clause, values = where_clause(db, GenerationFilter(text=self.where.text))
        among = "g.id IN (SELECT value FROM json_each(:ids))"
        sql = f"SELECT g.id FROM generations g {clause} AND {among}"
        values["ids"] = json.dumps(ids.tolist())
        return [id for (id,) in db.execute(sql, values)]


def match(columns: Columns, where: GenerationFilter) -> Matching:
    """For any filter but one on steps or ids: these are few, and indexes know them."""
    may = np.ones(columns.num_rows, dtype=bool)
    for condition in _list_conditions(columns, where):
        may &= condition
    unsure = np.zeros_like(may)
    if where.text:
        folded = fold(where.text)
        may &= columns.find_text(folded)
        if len(folded) > LONGEST:
            unsure = may
        elif is_matched_as_ascii(where.text):
            unsure = may & ~columns.get_bits("plain")
    return Matching(columns, where, may, unsure)


def list_flags_in_columns(columns: Columns) -> list[str]:
    return columns.list_names("flag/")


def uses_columns(where: GenerationFilter) -> bool:
    """Whether the filter is served by them best."""
    few = where.step is not None or where.last_step is not None or bool(where.ids)
    return not few and where != GenerationFilter()


def _list_conditions(columns: Columns, where: GenerationFilter) -> Iterator[Array]:
    if where.split is not None:
        of_validation = columns.get_bits("validation")
        yield of_validation if where.split == "validation" else ~of_validation
    if where.prompt_id is not None:
        yield columns.get_values("prompt", "<i8") == where.prompt_id
    if where.truncated is not None:
        yield columns.get_bits("truncated") == where.truncated
    if where.flag:
        yield columns.get_bits(f"flag/{where.flag}")
    if where.unscored:
        yield columns.get_bits("unscored")
    if where.function or where.min_score is not None or where.max_score is not None:
        name = f"score/{where.function}" if where.function else "reward"
        values, (low, high) = columns.get_values(name, "<f8", np.nan), get_bounds(where)
        yield (values >= low) & (values <= high)


def _list_looks(count: int) -> Iterator[tuple[int, int]]:
    """From, to: short ones first, for a page that needs only a few."""
    first, size = 0, _FIRST_LOOK
    while first < count:
        yield first, min(first + size, count)
        first, size = first + size, min(2 * size, _LONGEST_LOOK)
