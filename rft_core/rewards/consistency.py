"""Does a reward set say the same twice, and in any order? If not, its curve shows noise.

Functions that compare the completions of a group depend on order by design: shuffling whole groups
keeps them together, so that only dependence on a place in the batch is reported.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from rft_core.rewards.contract import Batch, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.types import Problem

TOLERANCE = 1e-9
MOST_SAMPLES = 32  # whole groups of them: scoring may be slow


def find_inconsistencies(
    scorer: Scorer,
    batch: Batch,
    num_generations: int = 1,
    seed: int = 0,
    *,
    scored: Sequence[Scored] | None = None,
) -> list[Problem]:
    """Score as is, again, and with the groups shuffled; the first difference of each function.

    Looks at `MOST_SAMPLES` at most. `scored`: what the batch has got already; it saves one scoring
    where all of it is looked at. A function that differs when merely scored again is not also
    reported for its order.
    """
    groups = _list_groups(len(batch), num_generations)
    whole = [index for group in groups for index in group]
    random.Random(seed).shuffle(groups)
    order = [index for group in groups for index in group]
    first = scored if scored and len(batch) == len(whole) else _score(scorer, batch, whole)
    again, shuffled = _score(scorer, batch, whole), _score(scorer, batch, order)
    unshuffled = [shuffled[order.index(index)] for index in whole]
    found: list[Problem] = []
    for name in scorer.reward_set.names:
        for kind, other in (("non_deterministic", again), ("order", unshuffled)):
            pairs = [(a.scores[name], b.scores[name]) for a, b in zip(first, other, strict=True)]
            sample = next((at for at, pair in enumerate(pairs) if not _same(*pair)), None)
            if sample is not None:
                found.append(_describe(name, kind, sample, pairs[sample]))
                break
    return found


def _describe(
    name: str, kind: str, sample: int, scores: tuple[float | None, float | None]
) -> Problem:
    cause = "scored twice" if kind == "non_deterministic" else "in another order"
    return Problem(
        kind,
        "warning",
        name,
        f"The reward '{name}' gave completion {sample} {scores[0]} and, {cause}, {scores[1]}.",
        "Make it depend on the completion and its row alone.",
    )


def _list_groups(count: int, size: int) -> list[range]:
    """Of the samples that are looked at: whole groups, or a part of one that is too large."""
    count = min(count, MOST_SAMPLES // size * size or MOST_SAMPLES)
    return [range(start, min(start + size, count)) for start in range(0, count, size)]


def _score(scorer: Scorer, batch: Batch, indices: Sequence[int]) -> Sequence[Scored]:
    chosen = Batch(
        prompts=[batch.prompts[index] for index in indices],
        completions=[batch.completions[index] for index in indices],
        rows=[batch.rows[index] for index in indices],
        completion_ids=[batch.completion_ids[index] for index in indices]
        if batch.completion_ids
        else (),
    )
    return scorer.score(chosen).samples


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE
