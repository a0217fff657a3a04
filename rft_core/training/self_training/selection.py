"""Self-training: which of its own completions a policy goes on to learn from. Pure functions.

Of each prompt the right completions, distinct, and at most so many, for else the easy prompts would
be most of what is learned (Offline-ST of Luong et al., ReFT, arXiv 2401.08967, keeps ten). Beside
every selection stands its control: as many completions of each prompt, drawn regardless of whether
they are right. What a training owes to the rewards, and not merely to more text of its own, is what
it has over its control.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from rft_core.rewards.sampled_batch import SampledBatch

ALREADY_KNOWN: Mapping[int, str] = {}


def select_completions(
    batch: SampledBatch,
    right: Sequence[bool],
    *,
    most: int,
    at_random: np.random.Generator | None = None,
    known: Mapping[int, str] = ALREADY_KNOWN,
) -> list[int]:
    """The indices of the completions to learn from, in the order of sampling.

    `right` is aligned with the batch. At most `most` are taken of a prompt, each text once; `known`
    is by position a text that is learned anyway, and is not taken again. With `at_random` it is the
    control that is selected. A completion that was cut off at its longest is as good as another: it
    is learned as it stands, without an end.
    """
    chosen: list[int] = []
    for position, group in _group_by_prompt(batch).items():
        taken = {known[position].strip()} if position in known else set()
        selected = _take_distinct(batch, [i for i in group if right[i]], most, taken)
        if at_random is not None:
            shuffled = at_random.permutation(group).tolist()
            selected = _take_distinct(batch, shuffled, len(selected), taken)
        chosen += selected
    return sorted(chosen)


def _group_by_prompt(batch: SampledBatch) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for index, position in enumerate(batch.positions):
        groups.setdefault(position, []).append(index)
    return groups


def _take_distinct(
    batch: SampledBatch, indices: Sequence[int], most: int, taken: Collection[str]
) -> list[int]:
    """The first `most` of the indices whose texts differ from each other and from those `taken`."""
    first_with: dict[str, int] = {}
    for index in indices:
        text = batch.completions[index].strip()
        if text not in taken:
            first_with.setdefault(text, index)
    return list(first_with.values())[:most]
