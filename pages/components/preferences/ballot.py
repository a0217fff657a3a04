"""A ballot: a ranking in the making, as the keys that were pressed. Shows nothing.

The keys are all there is, so that undo is leaving out the last one, and a browser that sends its
keys late or together changes nothing. 1-4 give the next place to an answer; T: the next answer
shares the last place; E: the rest are equal; S: skip. Two answers need one key.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass, field, replace

from rft_core.store.preferences import ShownItem

PLACES = "1234"
TIE, REST, SKIP, UNDO = "t", "e", "s", "u"


@dataclass(frozen=True)
class BallotItem:
    """What is to be judged now. `id`: of the judgement that it becomes, so that it is made once."""

    shown: ShownItem
    run: str | None = None
    repeats: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    ready_at: float = field(default_factory=time.time)  # when the last answer had ended


@dataclass(frozen=True)
class Ballot:
    """`count` answers and the `keys` that counted; others were never added."""

    count: int
    keys: str = ""

    @property
    def tiers(self) -> tuple[tuple[int, ...], ...]:
        """Answers by place, best first. The last one left is placed without a key."""
        tiers: list[list[int]] = []
        joins = False
        for key in self.keys:
            if key == TIE:
                joins = not joins
            elif key in PLACES:
                at = PLACES.index(key)
                if joins:
                    tiers[-1].append(at)
                else:
                    tiers.append([at])
                joins = False
        left = [at for at in range(self.count) if all(at not in tier for tier in tiers)]
        is_last = len(left) == 1 and not joins and bool(tiers)
        if left and (is_last or self.is_rest_equal):
            tiers.append(left)
        return tuple(map(tuple, tiers))

    @property
    def left(self) -> tuple[int, ...]:
        """Answers that have no place yet."""
        placed = {at for tier in self.tiers for at in tier}
        return tuple(at for at in range(self.count) if at not in placed)

    @property
    def is_joining(self) -> bool:
        """The next answer shares the last place."""
        return self.keys.endswith(TIE)

    @property
    def is_skipped(self) -> bool:
        return self.keys.endswith(SKIP)

    @property
    def is_rest_equal(self) -> bool:
        return self.keys.endswith(REST)

    @property
    def is_complete(self) -> bool:
        return self.is_skipped or not self.left

    @property
    def ranks(self) -> tuple[int, ...] | None:
        """The place of each answer, 1 the best; None where the item was skipped or is not done."""
        if self.is_skipped or not self.is_complete:
            return None
        return tuple(
            next(place for place, tier in enumerate(self.tiers, start=1) if at in tier)
            for at in range(self.count)
        )

    def place_of(self, at: int) -> int | None:
        """Its place so far; None before it has one."""
        return next((n for n, tier in enumerate(self.tiers, start=1) if at in tier), None)

    def allows(self, key: str) -> bool:
        """Whether this key would say something now."""
        if self.is_complete:
            return key == UNDO
        if key in PLACES:
            return PLACES.index(key) in self.left
        if key == TIE:
            return self.count > 2 and bool(self.tiers)
        return key in {REST, SKIP, UNDO} and not (key == UNDO and not self.keys)

    def press(self, key: str) -> Ballot:
        """With this key, or the same ballot where it would say nothing. Undo of nothing is none."""
        if not self.allows(key):
            return self
        if key == UNDO:
            return replace(self, keys=self.keys[:-1])
        if key == TIE and self.is_joining:
            return replace(self, keys=self.keys[:-1])
        return replace(self, keys=self.keys + key)
