"""Which generations are wanted: a filter, and the SQL that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class GenerationFilter:
    """Empty fields do not filter. `function` + score bounds look at one reward's score;
    `unscored` keeps only completions that some function could not judge."""

    step: int | None = None
    split: str | None = None
    prompt_id: int | None = None
    function: str | None = None
    min_score: float | None = None
    max_score: float | None = None
    flag: str | None = None
    text: str | None = None
    truncated: bool | None = None
    unscored: bool = False


def where_clause(f: GenerationFilter) -> tuple[str, dict[str, Any]]:
    parts, values = ["1"], dict[str, Any]()

    def add(condition: str, **named: Any) -> None:
        parts.append(condition)
        values.update(named)

    for column in ("step", "split", "prompt_id", "truncated"):
        if getattr(f, column) is not None:
            add(f"g.{column} = :{column}", **{column: getattr(f, column)})
    if f.flag:
        add("EXISTS (SELECT 1 FROM json_each(g.flags) WHERE value = :flag)", flag=f.flag)
    if f.text:
        add("instr(lower(g.completion), lower(:text)) > 0", text=f.text)
    if f.unscored:
        add("EXISTS (SELECT 1 FROM scores s WHERE s.generation_id = g.id AND s.score IS NULL)")
    if f.function:
        low = -1e308 if f.min_score is None else f.min_score
        high = 1e308 if f.max_score is None else f.max_score
        add(
            "EXISTS (SELECT 1 FROM scores s WHERE s.generation_id = g.id AND s.name = :function "
            "AND s.score BETWEEN :low AND :high)",
            function=f.function, low=low, high=high,
        )  # fmt: skip
    elif f.min_score is not None or f.max_score is not None:
        low = -1e308 if f.min_score is None else f.min_score
        high = 1e308 if f.max_score is None else f.max_score
        add("g.reward BETWEEN :low AND :high", low=low, high=high)
    return "WHERE " + " AND ".join(parts), values
