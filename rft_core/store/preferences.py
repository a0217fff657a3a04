"""Judgements: which answers people preferred, stored as they said it, with what they were shown.

One shape for a vote between two and a ranking of up to four: the place of every answer, 1 the best,
equal places for ties. Nothing is made of them here: see `rft_core/preferences`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rft_core.errors import BadInputError
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database
from rft_core.types import Messages, Row

FEWEST_ANSWERS, MOST_ANSWERS = 2, 4


@dataclass(frozen=True)
class ShownAnswer:
    """`lane`: who answered, in words. `run` None: the base `model`; `step` None: a finished run.

    `index`: which of the samples that this lane gave to the prompt with this seed.
    """

    lane: str
    model: str
    run: str | None
    step: int | None
    text: str
    truncated: bool = False
    num_tokens: int = 0
    index: int = 0


@dataclass(frozen=True)
class ShownItem:
    """What a person saw: the conversation, and the answers in the order of the screen.

    `sampling`: temperature, seed and so on, by name. `blind`: the lanes' names were hidden.
    """

    messages: Messages
    answers: tuple[ShownAnswer, ...]
    row: Row = field(default_factory=dict)
    task: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    blind: bool = True


@dataclass(frozen=True)
class Judgement:
    """`ranks`: the place of each shown answer, in their order; None: skipped.

    `rest_equal`: the last place was given to all that was left at once. `seconds`: from the last
    answer's end to the judgement. `repeats`: the id of the judgement whose answers these are again.
    """

    id: str
    who: str
    seconds: float
    shown: ShownItem
    ranks: tuple[int, ...] | None
    rest_equal: bool = False
    run: str | None = None
    repeats: str | None = None
    created_at: float = 0.0

    @property
    def verdict(self) -> str:
        """In words: left, right and tie of two; else the letters, as 'A > B = C > D'."""
        if self.ranks is None:
            return "skip"
        if len(self.ranks) == FEWEST_ANSWERS:
            left, right = self.ranks
            return "tie" if left == right else "left" if left < right else "right"
        places = sorted(set(self.ranks))
        letters = [
            " = ".join(chr(65 + at) for at, rank in enumerate(self.ranks) if rank == place)
            for place in places
        ]
        return " > ".join(letters)


def add_judgement(db: Database, judgement: Judgement) -> bool:
    """False when one with this id was already there (a key pressed twice)."""
    _check(judgement)
    with transaction(db) as connection:
        cursor = connection.execute(
            "INSERT OR IGNORE INTO judgements (id, who, created_at, seconds, run, shown, ranks, "
            "rest_equal, repeats) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                judgement.id, judgement.who, time.time(), judgement.seconds, judgement.run,
                json.dumps(_shown_dict(judgement.shown), ensure_ascii=False),
                None if judgement.ranks is None else json.dumps(judgement.ranks),
                judgement.rest_equal, judgement.repeats,
            ),
        )  # fmt: skip
        return cursor.rowcount == 1


def undo_judgement(db: Database, who: str, *, run: str | None = None) -> Judgement | None:
    """Take back this person's newest, of a run's if one is given; it stays stored, marked.

    None where there is none.
    """
    newest_first = "who = ?1 AND (?2 IS NULL OR run = ?2) ORDER BY number DESC LIMIT 1"
    with transaction(db) as connection:
        newest = next(iter(_read(db, newest_first, [who, run])), None)
        if newest is not None:
            connection.execute(
                "UPDATE judgements SET undone_at = ? WHERE id = ?", (time.time(), newest.id)
            )
        return newest


def list_judgements(
    db: Database, *, who: str | None = None, run: str | None = None
) -> list[Judgement]:
    """Oldest first, without those taken back; everybody's and of all runs by default."""
    return _read(db, "(?1 IS NULL OR who = ?1) AND (?2 IS NULL OR run = ?2)", [who, run])


def count_judgements(db: Database, *, who: str, run: str) -> int:
    """How many items this person has seen of this run, repeated ones aside."""
    sql = (
        "SELECT count(*) FROM judgements WHERE who = ? AND run = ? AND repeats IS NULL "
        "AND undone_at IS NULL"
    )
    return int(db.execute(sql, [who, run]).fetchone()[0])


def _read(db: Database, condition: str, values: Sequence[Any]) -> list[Judgement]:
    sql = (
        "SELECT id, who, seconds, shown, ranks, rest_equal, run, repeats, created_at "
        f"FROM judgements WHERE undone_at IS NULL AND {condition}"
    )
    if "ORDER BY" not in condition:
        sql += " ORDER BY number"
    return [_judgement(row) for row in db.query(sql, values)]


def _judgement(row: Mapping[str, Any]) -> Judgement:
    shown = json.loads(row["shown"])
    answers = tuple(ShownAnswer(**answer) for answer in shown.pop("answers"))
    ranks = None if row["ranks"] is None else tuple(json.loads(row["ranks"]))
    plain = {key: row[key] for key in ("id", "who", "seconds", "run", "repeats", "created_at")}
    return Judgement(
        shown=ShownItem(answers=answers, **shown),
        ranks=ranks,
        rest_equal=bool(row["rest_equal"]),
        **plain,
    )


def _shown_dict(shown: ShownItem) -> dict[str, Any]:
    return {
        **vars(shown),
        "messages": [dict(message) for message in shown.messages],
        "answers": [asdict(answer) for answer in shown.answers],
        "row": dict(shown.row),
        "sampling": dict(shown.sampling),
    }


def _check(judgement: Judgement) -> None:
    """Raises BadInputError for what is no ranking of these answers: places are 1, 2, ... in use."""
    count, ranks = len(judgement.shown.answers), judgement.ranks
    places = set(ranks or ())
    if not FEWEST_ANSWERS <= count <= MOST_ANSWERS:
        raise BadInputError(
            f"{count} answers cannot be judged",
            f"a judgement compares {FEWEST_ANSWERS} to {MOST_ANSWERS}",
            "Show another number of answers",
        )
    if ranks is not None and (len(ranks) != count or places != set(range(1, len(places) + 1))):
        raise BadInputError(
            f"{list(ranks)} is no ranking of {count} answers",
            "each answer has a place, and places count from 1 without a gap",
            "Give every answer its place",
        )
