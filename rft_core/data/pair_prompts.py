"""The prompts of a pair set as a prompt set: what a run on pairs validates on where nobody says."""

from __future__ import annotations

from rft_core.data.pair_set import Pair, PairSet, prompt_key
from rft_core.data.prompt_set import PromptSet, make_prompt_set
from rft_core.data.split import Split
from rft_core.data.template import WHOLE_CHAT, PromptTemplate
from rft_core.types import Row


def make_pair_prompt_set(pairs: PairSet) -> PromptSet:
    """Each distinct prompt once, on the side of the split on which its pairs are.

    A row holds what graders look at, where the pairs say it, and in `messages` the prompt with the
    first chosen answer as the last turn: SFT before DPO learns that.
    """
    held_out = set(pairs.validation)
    rows: dict[str, tuple[Row, bool]] = {}
    for index, pair in enumerate(pairs.pairs):
        rows.setdefault(prompt_key(pair.messages), (_make_row(pair), index in held_out))
    sides = [is_held_out for _, is_held_out in rows.values()]
    return make_prompt_set(
        [row for row, _ in rows.values()],
        name=f"{pairs.name} (prompts)",
        template=PromptTemplate(system="", user=WHOLE_CHAT),
        split=Split(
            tuple(at for at, is_held_out in enumerate(sides) if not is_held_out),
            tuple(at for at, is_held_out in enumerate(sides) if is_held_out),
            seed=0,
        ),
        task=pairs.task,
        source="pairs",
    )


def _make_row(pair: Pair) -> Row:
    chat = [*pair.messages, {"role": "assistant", "content": pair.chosen}]
    return {**(pair.row or {}), "messages": [dict(turn) for turn in chat]}
