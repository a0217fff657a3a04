"""Judgements to test with: made as the Chat page makes them."""

from collections.abc import Sequence
from typing import Any

from rft_core.store.preferences import Judgement, ShownAnswer, ShownItem

LANES = ("base", "step 2", "step 4", "finished")


def make_shown(question: str, texts: Sequence[str], lanes: Sequence[str] = LANES) -> ShownItem:
    answers = []
    for at, text in enumerate(texts):
        lane = lanes[at % len(lanes)]
        step = int(lane.removeprefix("step ")) if lane.startswith("step ") else None
        run = None if lane == "base" else "tiny"
        answers.append(ShownAnswer(lane, "models/tiny", run, step, text))
    return ShownItem(
        [{"role": "user", "content": question}], tuple(answers), row={"question": question},
        task="custom", sampling={"temperature": 1.0, "seed": 3},
    )  # fmt: skip


def make_judgement(
    id: str,
    ranks: tuple[int, ...] | None,
    *,
    texts: Sequence[str] = "abcd",
    question: str = "",
    **more: Any,
) -> Judgement:
    count = len(ranks) if ranks else 2
    shown = make_shown(question or f"question {id}", list(texts)[:count])
    return Judgement(
        **{"id": id, "who": "ada", "seconds": 2.5, "shown": shown, "ranks": ranks, "run": "tiny"}
        | more
    )
