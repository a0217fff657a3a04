"""What to ask a person next: which prompt, in which order the answers stand, and when to ask again.

Everything follows from the judgements that are stored, so that rating goes on where it ended, in
another session as well. One item in twenty is one that this person has judged already.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from rft_core.store.preferences import Judgement, ShownItem
from rft_core.types import Row

REPEATED_SHARE = 0.05
FEWEST_BETWEEN = 5  # judgements before an item may come back: what was just read is remembered


def draw_row(judgements: Sequence[Judgement], rows: Sequence[Row]) -> tuple[int, int]:
    """(row, seed) to ask next: in a shuffled order, a row judged least often so far.

    The seed is that of the sampling, so that a row that comes round is answered anew.
    """
    seen = Counter(_key(j.shown.row) for j in judgements if j.repeats is None)
    times = [seen[_key(row)] for row in rows]
    order = list(range(len(rows)))
    random.Random(f"rating {len(rows)}").shuffle(order)
    at = min(order, key=times.__getitem__)
    return at, times[at]


def shuffle_order(count: int, num_answers: int) -> list[int]:
    """In which order the answers of this item stand on the screen."""
    order = list(range(num_answers))
    random.Random(f"order {count}").shuffle(order)
    return order


def choose_repeat(
    judgements: Sequence[Judgement], share: float = REPEATED_SHARE
) -> Judgement | None:
    """The judgement to ask for again, of one person's, oldest first. None: something new is due.

    Never the newest ones, never what was skipped, and nothing a third time.
    """
    rng = random.Random(f"repeat {len(judgements)}")
    asked_again = {judgement.repeats for judgement in judgements}
    candidates = [
        judgement
        for judgement in judgements[: max(0, len(judgements) - FEWEST_BETWEEN)]
        if judgement.ranks is not None
        and judgement.repeats is None
        and judgement.id not in asked_again
    ]
    if not candidates or rng.random() >= share:
        return None
    return rng.choice(candidates)


def reorder(shown: ShownItem, count: int) -> ShownItem:
    """The same answers in another order."""
    answers = shown.answers
    order = shuffle_order(count, len(answers))
    if order == list(range(len(answers))):
        order = order[1:] + order[:1]
    return replace(shown, answers=tuple(answers[at] for at in order))


def _key(row: Row) -> str:
    return json.dumps(dict(row), sort_keys=True, default=str)
