"""Reading generations: filter, page, one group, one prompt through time.

Pages are cut by key (`id < before_id`), never by OFFSET, which is slow in long tables. Of a long
run the old part is read in columns where it stands in them (`columns/`), the newest part here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from rft_core.store.columns.attached import Columns, read_with_columns
from rft_core.store.columns.matching import (
    Counted,
    list_flags_in_columns,
    make_budget,
    match,
    uses_columns,
)
from rft_core.store.search import GenerationFilter, where_clause
from rft_core.store.sqlite.without_pandas import Database

MOST_JUDGED = 4096


@dataclass(frozen=True)
class StoredGeneration:
    """A completion as it is read: a `GenerationRecord` with its place in the run.

    `scores` and `reasons` are keyed by reward function, `prompt_id` names a `StoredPrompt`.
    `evidence` may be long: only `with_evidence` reads it.
    """

    id: int
    step: int
    split: str
    group_index: int
    sample_index: int
    prompt_id: int
    completion: str
    num_tokens: int
    truncated: bool
    reward: float | None
    advantage: float | None
    flags: tuple[str, ...]
    scores: dict[str, float | None]
    reasons: dict[str, str]
    evidence: dict[str, str] = field(default_factory=dict)


_COLUMNS = (
    "id, step, split, group_index, sample_index, prompt_id, completion, num_tokens, truncated, "
    "reward, advantage, flags"
)
_BY_ID = "NOT INDEXED"  # the newest are few: an index over all would be the longer way


@dataclass(frozen=True)
class StoredPrompt:
    id: int
    split: str
    position: int
    row: dict[str, Any]
    messages: list[dict[str, str]]
    text: str


def count_generations(db: Database, where: GenerationFilter | None = None) -> int:
    """Exactly, however long that takes."""
    return count_within(db, where, seconds=None).number


def count_within(
    db: Database, where: GenerationFilter | None = None, *, seconds: float | None = 0.035
) -> Counted:
    """Exactly where that is known in time, else how many there are at least: of a text that may be
    in very many completions, not all are looked at. `seconds`: see `make_budget`."""
    where = where or GenerationFilter()

    def count(columns: Columns) -> Counted:
        newest = _count(db, where, after_id=columns.last_id)
        if where == GenerationFilter():
            return Counted(columns.num_rows + newest)
        is_over = make_budget(seconds)
        old = match(columns, where).count(is_over)
        return Counted(old.number + newest, old.is_exact)

    if where != GenerationFilter() and not uses_columns(where):
        return Counted(_count(db, where))
    return read_with_columns(db, count, lambda: Counted(_count(db, where)))


def list_generations(
    db: Database,
    where: GenerationFilter | None = None,
    *,
    limit: int = 50,
    before_id: int | None = None,
    newest_first: bool = True,
) -> list[StoredGeneration]:
    """One page. Pass the last id of a page as `before_id` to get the next one."""
    where = where or GenerationFilter()
    page = _Page(limit, before_id, newest_first)
    if not uses_columns(where):
        return _get_generations(db, _list_ids(db, where, page), newest_first)
    ids = read_with_columns(
        db,
        lambda columns: _list_ids_beside_columns(columns, where, page),
        lambda: _list_ids(db, where, page),
    )
    return _get_generations(db, ids, newest_first)


@dataclass(frozen=True)
class _Page:
    limit: int
    before_id: int | None
    newest_first: bool


def _count(db: Database, where: GenerationFilter, *, after_id: int = 0) -> int:
    clause, values = where_clause(db, where, after_id=after_id)
    table = f"generations g {_BY_ID if after_id else ''}"
    return int(db.execute(f"SELECT count(*) FROM {table} {clause}", values).fetchone()[0])


def _list_ids(
    db: Database, where: GenerationFilter, page: _Page, *, after_id: int = 0
) -> list[int]:
    clause, values = where_clause(db, where, after_id=after_id)
    if page.before_id is not None:
        clause += f" AND g.id {'<' if page.newest_first else '>'} :before_id"
        values["before_id"] = page.before_id
    table = f"generations g {_BY_ID if after_id else ''}"
    order = f"ORDER BY g.id {'DESC' if page.newest_first else 'ASC'} LIMIT :limit"
    sql = f"SELECT g.id FROM {table} {clause} {order}"
    return [id for (id,) in db.execute(sql, {**values, "limit": page.limit})]


def _list_ids_beside_columns(columns: Columns, where: GenerationFilter, page: _Page) -> list[int]:
    """What stands in columns, and what does not yet, in one order."""

    def list_old(limit: int) -> list[int]:
        ids = match(columns, where).iterate_ids(
            newest_first=page.newest_first, before_id=page.before_id
        )
        return list(islice(ids, limit))

    if page.newest_first:
        newest = _list_ids(columns.db, where, page, after_id=columns.last_id)
        left = page.limit - len(newest)
        return newest + list_old(left) if left else newest
    old = [] if (page.before_id or 0) >= columns.last_id else list_old(page.limit)
    rest = _Page(page.limit - len(old), page.before_id, newest_first=False)
    return old + _list_ids(columns.db, where, rest, after_id=columns.last_id)


def _get_generations(
    db: Database, ids: Sequence[int], newest_first: bool
) -> list[StoredGeneration]:
    """Those that are still there."""
    order = "DESC" if newest_first else "ASC"
    sql = (
        f"SELECT {_COLUMNS} FROM generations WHERE id IN (SELECT value FROM json_each(?)) "
        f"ORDER BY id {order}"
    )
    return _with_scores(db, list(db.query(sql, [json.dumps(ids)])))


def list_by_reward(
    db: Database, where: GenerationFilter, *, limit: int, best: bool
) -> list[StoredGeneration]:
    """Those of the highest or lowest rewards, these first; without those that have none."""
    clause, values = where_clause(db, where)
    order = "DESC" if best else "ASC"
    sql = (
        f"SELECT {_COLUMNS} FROM generations g {clause} AND g.reward IS NOT NULL "
        f"ORDER BY g.reward {order}, g.id {order} LIMIT :limit"
    )
    return _with_scores(db, list(db.query(sql, {**values, "limit": limit})))


def iterate_generations(
    db: Database, where: GenerationFilter | None = None, *, page: int = 500
) -> Iterator[StoredGeneration]:
    """All that match, oldest first, a page at a time (for downloads)."""
    last: int | None = None
    while True:
        rows = list_generations(db, where, limit=page, before_id=last, newest_first=False)
        yield from rows
        if len(rows) < page:
            return
        last = rows[-1].id


def get_group(db: Database, *, split: str, step: int, group_index: int) -> list[StoredGeneration]:
    """The completions of one prompt at one step, in sampling order."""
    sql = (
        f"SELECT {_COLUMNS} FROM generations WHERE split = ? AND step = ? AND group_index = ? "
        "ORDER BY sample_index"
    )
    return _with_scores(db, list(db.query(sql, [split, step, group_index])))


def list_prompt_history(
    db: Database, prompt_id: int, *, limit: int = 500
) -> list[StoredGeneration]:
    """The same prompt across steps, oldest first."""
    sql = (
        f"SELECT {_COLUMNS} FROM generations WHERE prompt_id = ? "
        "ORDER BY step, sample_index LIMIT ?"
    )
    return _with_scores(db, list(db.query(sql, [prompt_id, limit])))


def with_evidence(db: Database, generation: StoredGeneration) -> StoredGeneration:
    """The same with what its reward functions showed: texts, or pictures as data URLs."""
    sql = "SELECT name, content FROM evidence WHERE generation_id = ?"
    return replace(generation, evidence=dict(db.execute(sql, [generation.id])))


def list_judged(
    db: Database, function: str | None, *, since: int
) -> list[tuple[int, int, float, float]]:
    """(id, step, reward, score) of what training sampled from step `since` on, newest first.

    At most `MOST_JUDGED`. Without a function the score is 1 where a completion has no flag, else 0.
    What could not be judged is left out.
    """
    if function is None:
        sql = (
            "SELECT id, step, reward, flags = '[]' FROM generations WHERE split = 'train' "
            "AND step >= :since AND reward IS NOT NULL ORDER BY id DESC LIMIT :most"
        )
        return [tuple(row) for row in db.execute(sql, {"since": since, "most": MOST_JUDGED})]
    sql = (
        "SELECT g.id, g.step, g.reward, s.score FROM generations g "
        "JOIN scores s ON s.generation_id = g.id AND s.name = :name "
        "WHERE g.split = 'train' AND g.step >= :since AND g.reward IS NOT NULL "
        "AND s.score IS NOT NULL ORDER BY g.id DESC LIMIT :most"
    )
    values = {"name": function, "since": since, "most": MOST_JUDGED}
    return [tuple(row) for row in db.execute(sql, values)]


def count_validated(db: Database, step: int) -> int:
    """The completions of the validation after `step`."""
    sql = "SELECT count(*) FROM generations WHERE split = 'validation' AND step = ?"
    return int(db.execute(sql, [step]).fetchone()[0])


def get_prompts(db: Database, ids: set[int]) -> dict[int, StoredPrompt]:
    marks = ", ".join("?" * len(ids))
    sql = f"SELECT id, split, position, row, messages, text FROM prompts WHERE id IN ({marks})"
    rows = db.query(sql, list(ids))
    return {row["id"]: _prompt(row) for row in rows}


_NEWEST = (
    "g.split = 'train' AND g.step <= :until AND g.step > (SELECT max(step) FROM generations "
    "WHERE split = 'train' AND step <= :until) - :newest"
)


def count_identical_groups(db: Database, *, newest: int, until: int) -> tuple[int, int]:
    """Of the newest training steps until that one: how many groups, and how many hold one text
    alone, with one reward.

    A group of one has nothing to be compared with, and is not counted.
    """
    sql = (
        "SELECT count(*), coalesce(sum(texts = 1 AND rewards <= 1), 0) FROM (SELECT "
        "count(DISTINCT g.completion) AS texts, count(DISTINCT g.reward) AS rewards "
        f"FROM generations g WHERE {_NEWEST} GROUP BY g.step, g.group_index "
        "HAVING count(*) > 1)"
    )
    groups, identical = db.execute(sql, {"newest": newest, "until": until}).fetchone()
    return int(groups), int(identical)


def get_top_scores(
    db: Database, functions: Sequence[str], *, newest: int, until: int
) -> dict[str, float]:
    """The highest score that each function has given in the newest training steps until that."""
    sql = (
        "SELECT max(s.score) FROM generations g JOIN scores s ON s.generation_id = g.id AND "
        f"s.name = :name WHERE {_NEWEST}"
    )
    values = {"newest": newest, "until": until}
    found = {name: db.execute(sql, {**values, "name": name}).fetchone()[0] for name in functions}
    return {name: float(top) for name, top in found.items() if top is not None}


def list_flags(db: Database) -> list[str]:
    """All there are, in order."""

    def list_with(columns: Columns) -> list[str]:
        return sorted({*list_flags_in_columns(columns), *_list_flags(db, columns.last_id)})

    return read_with_columns(db, list_with, lambda: _list_flags(db, 0))


def _list_flags(db: Database, after_id: int) -> list[str]:
    sql = (
        "SELECT DISTINCT value FROM generations g, json_each(g.flags) "
        "WHERE g.flags <> '[]' AND g.id > ? ORDER BY value"
    )
    return [row[0] for row in db.execute(sql, [after_id])]


def _with_scores(db: Database, rows: list[dict[str, Any]]) -> list[StoredGeneration]:
    by_id: dict[int, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    marks = ", ".join("?" * len(by_id))
    columns = "generation_id, name, score, reason"
    sql = f"SELECT {columns} FROM scores WHERE generation_id IN ({marks})"
    for score in db.query(sql, list(by_id)):
        by_id[score["generation_id"]].append(score)
    return [_generation(row, by_id[row["id"]]) for row in rows]


def _generation(row: dict[str, Any], scores: list[dict[str, Any]]) -> StoredGeneration:
    return StoredGeneration(
        **{k: row[k] for k in row if k not in ("flags", "truncated")},
        truncated=bool(row["truncated"]),
        flags=tuple(json.loads(row["flags"])),
        scores={s["name"]: s["score"] for s in scores},
        reasons={s["name"]: s["reason"] for s in scores},
    )


def _prompt(row: dict[str, Any]) -> StoredPrompt:
    return StoredPrompt(
        row["id"], row["split"], row["position"], json.loads(row["row"]),
        json.loads(row["messages"]), row["text"],
    )  # fmt: skip
