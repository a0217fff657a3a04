"""The ledger of a search: what was scored and judged, each completion once, and the budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rft_core.diagnosis.shortest_lie.opinion import Candidate, Judge, Opinion, Score
from rft_core.diagnosis.shortest_lie.shrinking import OutOfBudgetError
from rft_core.rewards.contract import Scored

BATCH = 128  # completions in one call of the reward
Key = tuple[int, str]


@dataclass(frozen=True)
class Budget:
    """The search ends with whichever is used up first. `calls`: of the reward, a batch each."""

    seconds: float = 60.0
    calls: int = 2000


@dataclass
class Ledger:
    """Raises `OutOfBudgetError` instead of a call that the budget does not allow.

    `in_overtime`: not for the few calls that confirm what was found in time.
    """

    score: Score
    judge: Judge
    budget: Budget
    clock: Callable[[], float] = time.monotonic
    calls: int = 0
    in_overtime: bool = False
    paid: dict[Key, Scored] = field(default_factory=dict)
    said: dict[Key, Opinion] = field(default_factory=dict)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def tried(self) -> int:
        """Different completions that the reward has scored."""
        return len(self.paid)

    @property
    def seconds(self) -> float:
        return self.clock() - self.started

    def get_paid(self, candidates: Sequence[Candidate]) -> list[float | None]:
        """The reward of each; None where it could not be judged."""
        for batch in _batches(_new(candidates, self.paid)):
            found = self._score(batch)
            self.paid |= {key_of(one): scored for one, scored in zip(batch, found, strict=True)}
        return [self.paid[key_of(one)].reward for one in candidates]

    def get_opinions(self, candidates: Sequence[Candidate]) -> list[Opinion]:
        for batch in _batches(_new(candidates, self.said)):
            self._check()
            found = self.judge(batch)
            self.said |= {key_of(one): opinion for one, opinion in zip(batch, found, strict=True)}
        return [self.said[key_of(one)] for one in candidates]

    def pay_alone(self, candidate: Candidate) -> float | None:
        """The reward in a batch of one, asked anew."""
        return self._score([candidate])[0].reward

    def _score(self, batch: Sequence[Candidate]) -> Sequence[Scored]:
        self._check()
        self.calls += 1
        return self.score(batch)

    def _check(self) -> None:
        is_over = self.seconds >= self.budget.seconds or self.calls >= self.budget.calls
        if is_over and not self.in_overtime:
            raise OutOfBudgetError


def key_of(candidate: Candidate) -> Key:
    return candidate.prompt, candidate.text


def _new(candidates: Iterable[Candidate], known: Mapping[Key, object]) -> list[Candidate]:
    found = {key_of(one): one for one in candidates if key_of(one) not in known}
    return list(found.values())


def _batches(candidates: Sequence[Candidate]) -> Iterable[Sequence[Candidate]]:
    return (candidates[i : i + BATCH] for i in range(0, len(candidates), BATCH))
