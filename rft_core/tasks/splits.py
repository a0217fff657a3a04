"""Which split generated rows belong to: decided by what the splits must not share, for ever."""

import hashlib
from collections.abc import Callable, Hashable
from typing import Any, Literal

from rft_core.errors import BadInputError

Split = Literal["train", "validation", "held_out"]
MISSES_BEFORE_GIVING_UP = 2_000  # in a row
EVALUATED_ONE_IN = 8  # of all keys, half for validation and half held out


def choose_split(key: str) -> Split:
    """The split of every row with this key, the same one in every process and on every machine."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    if digest[0] % EVALUATED_ONE_IN:
        return "train"
    return "validation" if digest[1] % 2 else "held_out"


def draw_different(
    draw: Callable[[], dict[str, Any] | None],
    split: str,
    count: int,
    *,
    column: str,
    key: Callable[[dict[str, Any]], Hashable],
) -> list[dict[str, Any]]:
    """`count` different rows of a split, in the order drawn; None and repetitions are misses.

    Those to train on differ in a column, their words. Those to evaluate on differ in their key, by
    which splits are kept apart: the same problem in other words would be counted twice, and every
    interval be too narrow. Raises `BadInputError` where there seem to be no more.
    """
    identify = (lambda row: row[column]) if split == "train" else key
    rows: dict[Hashable, dict[str, Any]] = {}
    misses = 0
    while len(rows) < count:
        row = draw()
        misses += 1
        if row is not None and (identity := identify(row)) not in rows:
            rows[identity] = row
            misses = 0
        elif misses > MISSES_BEFORE_GIVING_UP:
            raise BadInputError(
                f"There are not {count:,} different rows of this split",
                f"{len(rows):,} were found",
                "Ask for fewer",
            )
    return list(rows.values())
