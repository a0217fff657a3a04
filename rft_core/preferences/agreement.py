"""How far judgements can be trusted, and who won: self-agreement and win rates with intervals.

A person who is asked the same thing twice and answers differently sets a limit on what any model
can learn from them. The unit of every interval is the judgement: the pairs of one ranking are not
independent evidence, so that their mean counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from rft_core.statistics import mean_interval
from rft_core.store.preferences import Judgement, ShownAnswer


@dataclass(frozen=True)
class MeasuredShare:
    """A mean in [0, 1] over `n` judgements, with its 95% interval."""

    value: float
    ci: tuple[float, float]
    n: int


@dataclass(frozen=True)
class LaneRecord:
    """What a lane was shown, and how it fared against the other lanes; a tie is half a win.

    `win_rate` None: it never stood against another.
    """

    lane: str
    answers: int
    best: int
    win_rate: MeasuredShare | None


def measure_self_agreement(judgements: Iterable[Judgement]) -> MeasuredShare | None:
    """Over items that were asked again: the share of their pairs that were ordered alike.

    A tie agrees with a tie only. None where nothing that was judged twice was judged both times.
    """
    known = list(judgements)
    earlier = {judgement.id: judgement for judgement in known}
    shares = [
        _agreement(first, again)
        for again in known
        if again.repeats is not None
        and again.ranks is not None
        and (first := earlier.get(again.repeats)) is not None
        and first.ranks is not None
    ]
    return _make_share(shares)


def measure_lanes(judgements: Iterable[Judgement]) -> list[LaneRecord]:
    """One record for each lane that was shown, the highest win rate first."""
    counted = [j for j in judgements if j.repeats is None and j.ranks is not None]
    lanes = dict.fromkeys(name_lane(answer) for j in counted for answer in j.shown.answers)
    records = [_measure_lane(lane, counted) for lane in lanes]
    return sorted(records, key=lambda r: -r.win_rate.value if r.win_rate else 1.0)


def name_lane(answer: ShownAnswer) -> str:
    """What tells lanes apart across runs: a checkpoint has one name wherever it was shown."""
    if answer.run is None:
        return f"base {answer.model.rsplit('/', 1)[-1]}"
    return f"{answer.run} {'finished' if answer.step is None else f'step {answer.step}'}"


def _measure_lane(lane: str, judgements: Sequence[Judgement]) -> LaneRecord:
    shares, shown, best = [], 0, 0
    for judgement in judgements:
        ranks = judgement.ranks or ()
        names = [name_lane(answer) for answer in judgement.shown.answers]
        mine = [rank for rank, name in zip(ranks, names, strict=True) if name == lane]
        others = [rank for rank, name in zip(ranks, names, strict=True) if name != lane]
        shown, best = shown + len(mine), best + sum(rank == 1 for rank in mine)
        if mine and others:
            wins = [(a < b) + 0.5 * (a == b) for a in mine for b in others]
            shares.append(sum(wins) / len(wins))
    return LaneRecord(lane, shown, best, _make_share(shares))


def _agreement(first: Judgement, again: Judgement) -> float:
    """The share of pairs with the same order. Answers are found again by what they are."""
    places: list[tuple[int, int]] = []
    left = dict(enumerate(again.shown.answers))
    for rank, answer in zip(first.ranks or (), first.shown.answers, strict=True):
        at = next(at for at, other in left.items() if other == answer)
        del left[at]
        places.append((rank, (again.ranks or ())[at]))
    agree = [_sign(a[0] - b[0]) == _sign(a[1] - b[1]) for a, b in combinations(places, 2)]
    return sum(agree) / len(agree)


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _make_share(values: Sequence[float]) -> MeasuredShare | None:
    if not values:
        return None
    return MeasuredShare(sum(values) / len(values), mean_interval(values), len(values))
