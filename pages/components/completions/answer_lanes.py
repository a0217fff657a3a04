"""One question streamed into several columns at once, each answer scored when it is complete.

Stop, like any other click, ends the page's run, and with it the stream. What was written until then
is kept in the session until the next question, so that it does not vanish.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.components.completions.completion_html import prompt_html
from pages.components.completions.view import show_completion
from rft_core.errors import RftError
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import (
    Lane,
    LaneDone,
    LoadProgress,
    SamplingParams,
    TextDelta,
)
from rft_core.store.generations import StoredGeneration
from rft_core.types import Completion, Messages

UNFINISHED = "chat_unfinished"


@dataclass(frozen=True)
class Unfinished:
    """An exchange under way: `texts` grows, lane by lane."""

    question: str
    texts: dict[str, str]


@dataclass(frozen=True)
class ChatAnswer:
    """A scored answer, shaped like a stored generation so that it is shown like one."""

    lane: str
    generation: StoredGeneration
    tokens_per_second: float


@dataclass(frozen=True)
class Exchange:
    question: str
    answers: tuple[ChatAnswer, ...]


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
    """Stream all lanes into columns, with Stop above them, where growing text does not move it."""
    question = messages[-1]["content"]
    texts: dict[str, str] = {lane.label: "" for lane in lanes}
    st.session_state[UNFINISHED] = Unfinished(question, texts)
    st.html(prompt_html(question))
    stop, waiting = st.empty(), st.empty()
    stop.button("Stop", icon=":material/stop:", key="stop-answers")
    columns = st.columns(len(lanes))
    places = {}
    for lane, column in zip(lanes, columns, strict=True):
        with column:
            st.markdown(f"**{lane.label}**")
            places[lane.label] = (st.empty(), st.empty())
    done: dict[str, LaneDone] = {}
    try:
        with closing(client.stream(model, messages, lanes, params)) as events:
            for event in events:
                if isinstance(event, LoadProgress):
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
        waiting.caption("Scoring …")
        answers = _score(messages, row, [done[lane.label] for lane in lanes], rewards)
    except RftError:
        stop.empty()
        waiting.empty()
        forget_unfinished()
        raise
    forget_unfinished()
    return Exchange(question, answers)


def show_unfinished() -> None:
    """What the lanes had written when the last question was stopped."""
    unfinished: Unfinished | None = st.session_state.get(UNFINISHED)
    if unfinished is None:
        return
    st.html(prompt_html(unfinished.question))
    columns = st.columns(len(unfinished.texts))
    for (lane, text), column in zip(unfinished.texts.items(), columns, strict=True):
        with column:
            st.markdown(f"**{lane}**")
            st.text(text)
    st.caption(":material/stop_circle: Stopped before the end: not scored, and not kept.")


def forget_unfinished() -> None:
    st.session_state.pop(UNFINISHED, None)


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
) -> tuple[ChatAnswer, ...]:
    """By the run's own rewards; free text has no row and so is not scored."""
    completions = [lane.completion for lane in lanes]
    scored: list[Any] = [None] * len(lanes)
    if row:
        batch = Batch(
            [messages] * len(lanes), [c.text for c in completions], [row] * len(lanes),
            [c.token_ids for c in completions],
        )  # fmt: skip
        scored = list(_get_scorer(rewards).score(batch).samples)
    return tuple(
        ChatAnswer(lane.lane, as_generation(lane.completion, sample), lane.tokens_per_second)
        for lane, sample in zip(lanes, scored, strict=True)
    )


@st.cache_resource(
    scope="session", max_entries=1, on_release=Scorer.close, show_spinner=False,
    hash_funcs={RewardSet: lambda rewards: rewards.id},
)  # fmt: skip
def _get_scorer(rewards: RewardSet) -> Scorer:
    """One for all questions to a run: the processes that it starts stay warm between them."""
    return Scorer(rewards)


def as_generation(completion: Completion, sample: Any = None, **where: int) -> StoredGeneration:
    """A completion that is not in any store, in the shape that shows itself."""
    return StoredGeneration(
        id=0, step=0, split="", group_index=where.get("group_index", 0),
        sample_index=where.get("sample_index", 0), prompt_id=0, completion=completion.text,
        num_tokens=len(completion.token_ids), truncated=completion.truncated,
        reward=sample.reward if sample else None, advantage=None,
        flags=sample.flags if sample else (), scores=dict(sample.scores) if sample else {},
        reasons=dict(sample.reasons) if sample else {},
    )  # fmt: skip
