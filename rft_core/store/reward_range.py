"""What the completions of a run have earned so far: how many, and between which rewards."""

from __future__ import annotations

from dataclasses import dataclass

from rft_core.store.sqlite.without_pandas import Database

MOST_COUNTED = 10_000


@dataclass(frozen=True)
class RewardRange:
    """`scored` completions have a reward, from `lowest` to `highest`; 0.0 both where none has."""

    scored: int = 0
    lowest: float = 0.0
    highest: float = 0.0

    @property
    def is_flat(self) -> bool:
        return self.lowest == self.highest

    def joined(self, other: RewardRange) -> RewardRange:
        """Of both together."""
        if not self.scored or not other.scored:
            return self if self.scored else other
        return RewardRange(
            self.scored + other.scored,
            min(self.lowest, other.lowest),
            max(self.highest, other.highest),
        )


def get_reward_range(db: Database, *, first_step: int = 0, until: int | None = None) -> RewardRange:
    """Of what a stage has sampled whose first step follows `first_step`.

    With the validation that came before, and of at most the first `MOST_COUNTED`. `until`: a step
    after which nothing is looked at.
    """
    sql = (
        "SELECT count(*), min(reward), max(reward) FROM (SELECT reward FROM generations "
        "WHERE reward IS NOT NULL AND (step > :step OR (step = :step AND split = 'validation')) "
        "AND (:until IS NULL OR step <= :until) LIMIT :most)"
    )
    values = {"step": first_step, "until": until, "most": MOST_COUNTED}
    row = db.execute(sql, values).fetchone()
    return RewardRange(int(row[0]), float(row[1]), float(row[2])) if row[0] else RewardRange()


def get_reward_bounds(db: Database) -> tuple[float, float]:
    """The lowest and the highest reward of any completion, by the index; zeros without any."""
    found = [
        db.execute(f"SELECT {which}(reward) FROM generations").fetchone()[0]
        for which in ("min", "max")
    ]
    return (0.0, 0.0) if None in found else (float(found[0]), float(found[1]))
