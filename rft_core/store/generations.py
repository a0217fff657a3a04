"""Reading generations: filter, page, one group, one prompt through time.

Pages are cut by key (`id < before_id`), never by OFFSET, which is slow in long tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.store.search import GenerationFilter, where_clause
from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class StoredGeneration:
    """A completion as it is read: a `GenerationRecord` with its place in the run.

    `scores` and `reasons` are keyed by reward function, `prompt_id` names a `StoredPrompt`.
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


_COLUMNS = (
    "id, step, split, group_index, sample_index, prompt_id, completion, num_tokens, truncated, "
    "reward, advantage, flags"
)


@dataclass(frozen=True)
class StoredPrompt:
    id: int
    split: str
    position: int
    row: dict[str, Any]
    messages: list[dict[str, str]]
    text: str


def count_generations(db: Database, where: GenerationFilter | None = None) -> int:
    clause, values = where_clause(db, where or GenerationFilter())
    return int(db.execute(f"SELECT count(*) FROM generations g {clause}", values).fetchone()[0])


def list_generations(
    db: Database,
    where: GenerationFilter | None = None,
    *,
    limit: int = 50,
    before_id: int | None = None,
    newest_first: bool = True,
) -> list[StoredGeneration]:
    """One page. Pass the last id of a page as `before_id` to get the next one."""
    clause, values = where_clause(db, where or GenerationFilter())
    if before_id is not None:
        clause += f" AND g.id {'<' if newest_first else '>'} :before_id"
        values["before_id"] = before_id
    order = "DESC" if newest_first else "ASC"
    sql = f"SELECT {_COLUMNS} FROM generations g {clause} ORDER BY g.id {order} LIMIT :limit"
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
    sql = (
        "SELECT DISTINCT value FROM generations, json_each(flags) "
        "WHERE flags <> '[]' ORDER BY value"
    )
    return [row[0] for row in db.execute(sql)]


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
