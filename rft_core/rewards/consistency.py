"""Does a reward set say the same twice, and in any order? If not, its curve shows noise.

Functions that compare the completions of a group depend on order by design: shuffling whole groups
keeps them together, so that only dependence on a place in the batch is reported.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from rft_core.rewards.composition import Scorer
from rft_core.rewards.contract import Batch

TOLERANCE = 1e-9


@dataclass(frozen=True)
class Inconsistency:
    """A function that scored the same completion differently. `kind`: non_deterministic, order."""

    function: str
    kind: str
    sample: int
    scores: tuple[float | None, float | None]

    @property
    def sentence(self) -> str:
        cause = "scored twice" if self.kind == "non_deterministic" else "in another order"
        return (
            f"The reward '{self.function}' gave completion {self.sample} {self.scores[0]} and, "
            f"{cause}, {self.scores[1]}."
        )


def find_inconsistencies(
    scorer: Scorer, batch: Batch, num_generations: int = 1, seed: int = 0
) -> list[Inconsistency]:
    """Score three times: as is, again, and with the groups shuffled; the first difference of each.

    A function that differs when merely scored again is not also reported for its order.
    """
    groups = [
        range(start, min(start + num_generations, len(batch)))
        for start in range(0, len(batch), num_generations)
    ]
    random.Random(seed).shuffle(groups)
    order = [index for group in groups for index in group]
    first, again = _scores(scorer, batch), _scores(scorer, batch)
    shuffled = _scores(scorer, _reordered(batch, order))
    unshuffled = {index: shuffled[place] for place, index in enumerate(order)}
    found = []
    for name in scorer.reward_set.names:
        for kind, other in (("non_deterministic", dict(enumerate(again))), ("order", unshuffled)):
            differing = [i for i in other if not _same(first[i][name], other[i][name])]
            if differing:
                sample = min(differing)
                scores = (first[sample][name], other[sample][name])
                found.append(Inconsistency(name, kind, sample, scores))
                break
    return found


def _scores(scorer: Scorer, batch: Batch) -> list[dict[str, float | None]]:
    return [dict(sample.scores) for sample in scorer.score(batch).samples]


def _reordered(batch: Batch, order: list[int]) -> Batch:
    return Batch(
        prompts=[batch.prompts[index] for index in order],
        completions=[batch.completions[index] for index in order],
        rows=[batch.rows[index] for index in order],
        completion_ids=[batch.completion_ids[index] for index in order]
        if batch.completion_ids
        else (),
    )


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE
