"""Blocks of a run's record, and which of them still hold: a resume forgets the newest steps.

Ids are never used twice and steps only grow with them, so what a resume leaves is a beginning of
the record. A block that was read in one attempt holds unless a later one went on from a step before
the block's last. That is told from the run's own list of attempts: no reader waits for anybody to
take a block away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rft_core.store.sqlite.database import read_rows
from rft_core.store.sqlite.without_pandas import Database


@dataclass(frozen=True)
class ColumnBlock:
    """Consecutive rows, by their ids. `attempt`: the run's newest when they were read."""

    block: int
    attempt: int
    attempt_started: float
    first_id: int
    last_id: int
    last_step: int


@dataclass(frozen=True)
class Attempts:
    """When each attempt of a run began, and from which step, oldest first."""

    started: Mapping[int, float]
    from_step: Mapping[int, int]

    @property
    def newest(self) -> tuple[int, float]:
        """Its number, and when it began; (0, 0.0) of a run without any."""
        attempt = max(self.started, default=0)
        return attempt, self.started.get(attempt, 0.0)

    def keeps(self, block: ColumnBlock) -> bool:
        """Whether no later attempt has forgotten a row of it, or it is of another run's record."""
        if self.started.get(block.attempt, 0.0) != block.attempt_started:
            return False
        later = [step for attempt, step in self.from_step.items() if attempt > block.attempt]
        return all(0 < step >= block.last_step for step in later)


def read_attempts(db: Database) -> Attempts:
    rows = db.execute("SELECT attempt, started_at, from_step FROM attempts ORDER BY attempt")
    started, from_step = {}, {}
    for attempt, at, step in rows:
        started[attempt], from_step[attempt] = at, step
    return Attempts(started, from_step)


def list_blocks(db: Database, table: str) -> list[ColumnBlock]:
    """All there are, in order. `table`: `blocks` or `curve_blocks`, with its schema."""
    return read_rows(db, ColumnBlock, f"FROM {table} ORDER BY block")


def keep_valid(
    blocks: Sequence[ColumnBlock], attempts: Attempts, newest_id: int
) -> list[ColumnBlock]:
    """The beginning that holds. `newest_id`: of the rows there are; of a record that was restored
    from a backup it may lie before some blocks, which hold nothing then."""
    held = []
    for place, block in enumerate(blocks):
        if block.block != place or block.last_id > newest_id or not attempts.keeps(block):
            break
        held.append(block)
    return held
