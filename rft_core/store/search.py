"""Which generations are wanted: a filter, and the SQL that it becomes.

Every filter but those on text and on one function's score is served by an index; those of a long
run by its columns (see `columns/matching.py`), and then this is for the few that stand in none yet.
Text is searched without regard to case: by SQLite's LIKE, which knows the case of ASCII, or else by
Python.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class GenerationFilter:
    """Empty fields do not filter. `last_step` makes `step` the first of several.

    `function` + score bounds look at one reward's score; `unscored` keeps only completions that
    some function could not judge, `ids` only these.
    """

    step: int | None = None
    last_step: int | None = None
    split: str | None = None
    prompt_id: int | None = None
    function: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    flag: str | None = None
    text: str | None = None
    truncated: bool | None = None
    unscored: bool = False
    ids: tuple[int, ...] = ()


_SPLITS = "g.split IN ('train', 'validation')"  # so that the index that begins with it serves
MOST_IDS = 500
_LONGEST_PATTERN = 10_000  # SQLite takes none longer than 50,000 bytes


def where_clause(
    db: Database, f: GenerationFilter, *, after_id: int = 0
) -> tuple[str, dict[str, Any]]:
    """For a query of `generations g`; what `db` lacks for it is registered there. `after_id`: only
    generations behind it, which are few."""
    parts, values = ["1"], dict[str, Any]()

    def add(condition: str, **named: Any) -> None:
        parts.append(condition)
        values.update(named)

    if f.last_step is not None:
        add("g.step BETWEEN :first AND :last", first=f.step or 0, last=f.last_step)
    elif f.step is not None:
        add("g.step = :step", step=f.step)
    for column in ("split", "prompt_id", "truncated"):
        if getattr(f, column) is not None:
            add(f"g.{column} = :{column}", **{column: getattr(f, column)})
    if (f.step is not None or f.last_step is not None) and f.split is None:
        add(_SPLITS)
    if f.ids:
        add(f"g.id IN ({', '.join(str(int(id)) for id in f.ids[:MOST_IDS])})")
    if after_id:
        add("g.id > :after_id", after_id=after_id)
    if f.flag:
        has_it = "EXISTS (SELECT 1 FROM json_each(g.flags) WHERE value = :flag)"
        add(f"g.flags <> '[]' AND {has_it}", flag=f.flag)
    if f.text:
        condition, text = _text_condition(db, f.text)
        add(condition, text=text)
    if f.unscored:
        later = "AND generation_id > :after_id" if after_id else ""
        add(f"g.id IN (SELECT generation_id FROM scores WHERE score IS NULL {later})")
    if f.function:
        add(
            "EXISTS (SELECT 1 FROM scores s WHERE s.generation_id = g.id AND s.name = :function "
            "AND s.score BETWEEN :low AND :high)",
            function=f.function, **_name_bounds(f),
        )  # fmt: skip
    elif f.min_score is not None or f.max_score is not None:
        add("g.reward BETWEEN :low AND :high", **_name_bounds(f))
    return "WHERE " + " AND ".join(parts), values


def get_bounds(f: GenerationFilter) -> tuple[float, float]:
    """Of the score, both included."""
    low = -1e308 if f.min_score is None else f.min_score
    return low, 1e308 if f.max_score is None else f.max_score


def fold(text: str) -> str:
    """As texts are compared whose case does not matter; SQLite takes no lone surrogates."""
    return text.encode("utf-8", "replace").decode().casefold()


def is_matched_as_ascii(text: str) -> bool:
    """Whether LIKE finds this text, which knows the case of ASCII only, and ends at a NUL."""
    return text.isascii() and len(text) <= _LONGEST_PATTERN and "\0" not in text


def _name_bounds(f: GenerationFilter) -> dict[str, float]:
    low, high = get_bounds(f)
    return {"low": low, "high": high}


def _text_condition(db: Database, text: str) -> tuple[str, str]:
    """The condition, and what stands for `:text` in it."""
    if is_matched_as_ascii(text):
        for special in "\\%_":
            text = text.replace(special, f"\\{special}")
        return "g.completion LIKE :text ESCAPE '\\'", f"%{text}%"
    db.conn.create_function("holds_folded", 2, _holds_folded, deterministic=True)
    return "holds_folded(g.completion, :text)", fold(text)


def _holds_folded(completion: str, folded: str) -> bool:
    return folded in completion.casefold()
