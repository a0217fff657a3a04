"""Pairs from rankings: every answer against every one that was placed below it.

A ranking of K answers gives K(K-1)/2 pairs, less one for each two that are equal, as InstructGPT
(Ouyang et al. 2022, section 3.5) made them. They share a group, so that they stay together in a
batch and on one side of the split: otherwise a model is validated on answers it was trained on.
Judgements of repeated items make none: they are asked to measure agreement, and would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from rft_core.data.pair_set import Pair, PairSet, make_pair_set
from rft_core.errors import BadInputError
from rft_core.store.preferences import Judgement


@dataclass(frozen=True)
class DerivedPairs:
    """`pairs`, and what gave none: judgements `skipped` or `repeated`, ties, equal texts."""

    pairs: tuple[Pair, ...]
    judgements: int = 0
    skipped: int = 0
    repeated: int = 0
    ties: int = 0
    same_text: int = 0

    def describe(self) -> str:
        """'12 pairs of 5 judgements; 2 ties and 1 skipped judgement gave none.'"""
        none = [
            _count(self.ties, "tie"),
            _count(self.same_text, "pair of equal texts", "pairs of equal texts"),
            _count(self.skipped, "skipped judgement"),
            _count(self.repeated, "repeated item"),
        ]
        gave_none = _join([text for text in none if not text.startswith("0 ")])
        made = f"{_count(len(self.pairs), 'pair')} of {_count(self.judgements, 'judgement')}"
        return f"{made}; {gave_none} gave none." if gave_none else f"{made}."


def derive_pairs(judgements: Iterable[Judgement]) -> DerivedPairs:
    """In the order of the judgements. `margin` of a pair: how many places lie between its two."""
    pairs: list[Pair] = []
    total = skipped = repeated = ties = same_text = 0
    for judgement in judgements:
        total += 1
        if judgement.repeats is not None:
            repeated += 1
            continue
        if judgement.ranks is None:
            skipped += 1
            continue
        for better, worse in combinations(_best_first(judgement.ranks), 2):
            if judgement.ranks[better] == judgement.ranks[worse]:
                ties += 1
            elif _text(judgement, better) == _text(judgement, worse):
                same_text += 1
            else:
                pairs.append(_make_pair(judgement, better, worse))
    return DerivedPairs(tuple(pairs), total, skipped, repeated, ties, same_text)


def pairs_from_judgements(
    judgements: Iterable[Judgement], name: str, *, validation_share: float = 0.1, seed: int = 0
) -> tuple[PairSet, DerivedPairs]:
    """A pair set of all that can be derived, and what could not. The task: theirs, if it is one."""
    known = list(judgements)
    derived = derive_pairs(known)
    if not derived.pairs:
        raise BadInputError(
            "The judgements give no pair",
            derived.describe(),
            "Rate more answers on the Chat page: one has to be preferred to another",
        )
    tasks = {judgement.shown.task for judgement in known}
    task = tasks.pop() if len(tasks) == 1 else None
    return make_pair_set(name, derived.pairs, validation_share, seed, task), derived


def find_judged_run(pairs: PairSet, judgements: Iterable[Judgement]) -> str | None:
    """The run whose answers the pairs compare; None where it is unknown, or they are of several."""
    groups = {pair.group for pair in pairs.pairs}
    runs = {judgement.run for judgement in judgements if judgement.id in groups}
    return runs.pop() if len(runs) == 1 else None


def _best_first(ranks: tuple[int, ...]) -> Iterator[int]:
    yield from sorted(range(len(ranks)), key=lambda at: ranks[at])


def _make_pair(judgement: Judgement, better: int, worse: int) -> Pair:
    ranks = judgement.ranks or ()
    return Pair(
        messages=judgement.shown.messages,
        chosen=_text(judgement, better),
        rejected=_text(judgement, worse),
        row=judgement.shown.row or None,
        margin=float(ranks[worse] - ranks[better]),
        source=f"judged by {judgement.who}",
        group=judgement.id,
    )


def _text(judgement: Judgement, at: int) -> str:
    return judgement.shown.answers[at].text


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def _join(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
