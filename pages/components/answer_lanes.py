"""One question streamed into several columns at once, each answer scored when it is complete."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.completion_html import prompt_html
from pages.components.generation_view import show_completion
from rft_core.generation.client import GenerationClient
from rft_core.generation.protocol import (
    Completion,
    Lane,
    LaneDone,
    Progress,
    SamplingParams,
    TextDelta,
)
from rft_core.rewards.composition import Scorer
from rft_core.rewards.contract import Batch, Messages, RewardSet
from rft_core.store.generation_reader import Generation


@dataclass(frozen=True)
class Answer:
    """A scored answer, shaped like a stored generation so that it is shown like one."""

    lane: str
    generation: Generation
    tokens_per_second: float


@dataclass(frozen=True)
class Exchange:
    question: str
    answers: tuple[Answer, ...]


def ask(
    client: GenerationClient,
    *,
    model: str,
    messages: Messages,
    row: dict[str, Any],
    lanes: Sequence[Lane],
    params: SamplingParams,
    rewards: RewardSet,
) -> Exchange:
    """Stream all lanes into columns; the Stop button ends the page's run, which cancels."""
    question = messages[-1]["content"]
    st.html(prompt_html(question))
    st.button("Stop", icon=":material/stop:", key="stop-answers")
    columns = st.columns(len(lanes))
    texts: dict[str, str] = {lane.label: "" for lane in lanes}
    places = {}
    for lane, column in zip(lanes, columns, strict=True):
        with column:
            st.markdown(f"**{lane.label}**")
            places[lane.label] = (st.empty(), st.empty())
    done: dict[str, LaneDone] = {}
    waiting = st.empty()
    with closing(client.stream(model, messages, lanes, params)) as events:
        for event in events:
            if isinstance(event, Progress):
                waiting.caption(event.message)
                continue
            waiting.empty()
            text, speed = places[event.lane]
            if isinstance(event, TextDelta):
                texts[event.lane] += event.text
                text.text(texts[event.lane])
            else:
                done[event.lane] = event
            speed.caption(f"{event.tokens_per_second:.0f} tokens/s")
    completions = [done[lane.label] for lane in lanes]
    return Exchange(question, _score(messages, row, completions, rewards))


def show_exchange(exchange: Exchange) -> None:
    st.html(prompt_html(exchange.question))
    for answer, column in zip(exchange.answers, st.columns(len(exchange.answers)), strict=True):
        with column:
            show_completion(answer.generation, title=answer.lane, reasons=True, unfolded=True)
            st.caption(
                f"{answer.generation.num_tokens} tokens · {answer.tokens_per_second:.0f} tokens/s"
            )


def _score(
    messages: Messages, row: dict[str, Any], lanes: Sequence[LaneDone], rewards: RewardSet
) -> tuple[Answer, ...]:
    """By the run's own rewards; free text has no row and so is not scored."""
    completions = [lane.completion for lane in lanes]
    scored: list[Any] = [None] * len(lanes)
    if row:
        batch = Batch(
            [messages] * len(lanes), [c.text for c in completions], [row] * len(lanes),
            [c.token_ids for c in completions],
        )  # fmt: skip
        with Scorer(rewards) as scorer:
            scored = list(scorer.score(batch).samples)
    return tuple(
        Answer(lane.lane, as_generation(lane.completion, sample), lane.tokens_per_second)
        for lane, sample in zip(lanes, scored, strict=True)
    )


def as_generation(completion: Completion, sample: Any = None, **where: int) -> Generation:
    """A completion that is not in any store, in the shape that shows itself."""
    return Generation(
        id=0, step=0, split="", group_index=where.get("group_index", 0),
        sample_index=where.get("sample_index", 0), prompt_id=0, completion=completion.text,
        num_tokens=len(completion.token_ids), truncated=completion.truncated,
        reward=sample.reward if sample else None, advantage=None,
        flags=sample.flags if sample else (), scores=dict(sample.scores) if sample else {},
        reasons=dict(sample.reasons) if sample else {},
    )  # fmt: skip
