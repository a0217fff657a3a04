"""Train / validation split: seeded, independent of row order, duplicates never on both sides.

Groups of equal prompts are ordered by the hash of (seed, prompt) and validation takes from the
front. Compared with permuting indices this means that shuffling or extending a file keeps nearly
every prompt on its side, so that a model never meets yesterday's validation prompt in training.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from rft_core.errors import BadInputError


@dataclass(frozen=True)
class Split:
    """Row indices of both sides, ascending. Together they are all rows, each once."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int


def split_prompts(prompts: Sequence[str], *, validation: float, seed: int) -> Split:
    """Split by prompt text. `validation` below 1 is a fraction of the rows, from 1 on a count.

    Validation gets at least one row as soon as there are two different prompts, and training
    never loses its last one. Duplicates move together, so sizes are met as nearly as they allow.
    """
    wanted = _validation_size(len(prompts), validation)
    groups: dict[str, list[int]] = {}
    for index, prompt in enumerate(prompts):
        groups.setdefault(normalise_prompt(prompt), []).append(index)
    order = sorted(groups, key=lambda prompt: _hash(seed, prompt))
    chosen: set[int] = set()
    for prompt in order:
        if len(chosen) + len(groups[prompt]) <= wanted:
            chosen.update(groups[prompt])
    if not chosen and len(groups) > 1:
        chosen.update(groups[min(order, key=lambda prompt: len(groups[prompt]))])
    return Split(
        train=tuple(i for i in range(len(prompts)) if i not in chosen),
        validation=tuple(sorted(chosen)),
        seed=seed,
    )


def draw_rows(count: int, wanted: int, seed: int) -> tuple[int, ...]:
    """The indices of `wanted` of `count` rows, ascending: the same ones for the same seed.

    All of them where there are no more. By chance, since the first ones may be easier than the
    rest.
    """
    if wanted >= count:
        return tuple(range(count))
    return tuple(sorted(random.Random(seed).sample(range(count), wanted)))


def normalise_prompt(prompt: str) -> str:
    """What makes two prompts the same one: letters and marks, not case or white space."""
    return " ".join(prompt.casefold().split())


def _validation_size(rows: int, validation: float) -> int:
    is_count = validation >= 1
    if not 0 < validation < math.inf or (is_count and validation != int(validation)):
        raise BadInputError(
            f"A validation size of {validation:g} is not possible",
            "it is a fraction between 0 and 1, or a whole number of rows",
            "Use 0.2 for one row in five, or 16 for 16 rows",
        )
    if is_count and validation >= rows > 1:
        raise BadInputError(
            f"{int(validation):,} validation rows are too many",
            f"there are only {rows:,} rows, and training needs some",
            f"Use at most {rows - 1:,}, or a fraction such as 0.2",
        )
    size = int(validation) if is_count else round(rows * validation)
    return min(max(size, 1), rows - 1)


def _hash(seed: int, prompt: str) -> bytes:
    return hashlib.sha256(f"{seed}:{prompt}".encode()).digest()
