"""One question streamed into several columns, each answer scored when all are complete.

Stop, like any other click, ends the page's run, and with it the stream. What was written until then
is kept in the session until the next question, so that it does not vanish.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components.chat.lanes import ChatLane, explain_lane, group_by_base, make_client
from pages.components.completions.completion_html import growing_text, prompt_html
from pages.components.completions.view import as_generation
from rft_core.errors import RftError
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.messages import (
    Lane,
    LaneDone,
    LoadProgress,
    SamplingParams,
    TextDelta,
)
from rft_core.store.generations import StoredGeneration
from rft_core.store.preferences import ShownAnswer
from rft_core.types import Completion, Messages, Row

UNFINISHED = "chat_unfinished"


@dataclass(frozen=True)
class AskedLane:
    """One answer to be given, and what stands over its column meanwhile."""

    lane: ChatLane
    messages: Messages
    title: str
    index: int = 0


@dataclass(frozen=True)
class ChatAnswer:
    """An answer, shaped like a stored generation so that it is shown like one."""

    lane: ChatLane
    completion: Completion
    generation: StoredGeneration
    tokens_per_second: float
    index: int = 0

    def as_shown(self) -> ShownAnswer:
        return ShownAnswer(
            self.lane.label, self.lane.config.model, self.lane.run, self.lane.step,
            self.completion.text, self.completion.truncated, len(self.completion.token_ids),
            self.index,
        )  # fmt: skip


@dataclass(frozen=True)
class Unfinished:
    """What the columns of a question under way hold; `texts` grow, in the order of `titles`."""

    question: str
    titles: tuple[str, ...]
    texts: list[str] = field(default_factory=list)


def stream_answers(
    asked: Sequence[AskedLane], params: SamplingParams, on_stop: Callable[[], None] = lambda: None
) -> tuple[ChatAnswer, ...]:
    """Stream into columns, with Stop above them, where growing text does not move it.

    Lanes of one base answer at once, other bases after them. `on_stop`: a callback of the button,
    for what would otherwise ask again. Raises `RftError`.
    """
    question = asked[0].messages[-1]["content"]
    unfinished = Unfinished(question, tuple(a.title for a in asked), [""] * len(asked))
    st.session_state[UNFINISHED] = unfinished
    st.html(prompt_html(question))
    stop, waiting = st.empty(), st.empty()
    stop.button("Stop", icon=":material/stop:", key="stop-answers", on_click=on_stop)
    lanes = [
        _Column(a, *_make_places(a.title, column))
        for a, column in zip(asked, st.columns(len(asked)), strict=True)
    ]
    try:
        for places in group_by_base([a.lane for a in asked]):
            _stream_group([lanes[at] for at in places], params, waiting)
    except RftError:
        stop.empty()
        waiting.empty()
        forget_unfinished()
        raise
    finally:
        unfinished.texts[:] = [lane.text for lane in lanes]
    forget_unfinished()
    return tuple(lane.get_answer() for lane in lanes)


@dataclass
class _Column:
    """One answer under way, and where it is shown."""

    asked: AskedLane
    place: DeltaGenerator
    speed: DeltaGenerator
    text: str = ""
    done: LaneDone | None = None

    def hear(self, event: TextDelta | LaneDone) -> None:
        if isinstance(event, TextDelta):
            self.text += event.text
            self.place.html(growing_text(self.text))
        else:
            self.done = event
        self.speed.caption(f"{event.tokens_per_second:.0f} tokens/s")

    def get_answer(self) -> ChatAnswer:
        assert self.done  # a stream ends with all lanes done, or with an error
        shown = as_generation(self.done.completion)
        return ChatAnswer(
            self.asked.lane, self.done.completion, shown, self.done.tokens_per_second,
            self.asked.index,
        )  # fmt: skip


def _make_places(title: str, column: DeltaGenerator) -> tuple[DeltaGenerator, DeltaGenerator]:
    with column:
        st.markdown(f"**{title}**")
        return st.empty(), st.empty()


def _stream_group(
    columns: Sequence[_Column], params: SamplingParams, waiting: DeltaGenerator
) -> None:
    """Lanes of one base. They go by their place: two of one label may stand side by side."""
    first = columns[0].asked
    lanes = [
        Lane(str(at), c.asked.lane.adapter, c.asked.messages, c.asked.index)
        for at, c in enumerate(columns)
    ]
    config = first.lane.config
    try:
        events = make_client(config).stream(config.model, first.messages, lanes, params)
        with closing(events):  # type: ignore[type-var]  # a generator
            for event in events:
                if isinstance(event, LoadProgress):
                    waiting.caption(event.message)
                    continue
                waiting.empty()
                columns[int(event.lane)].hear(event)
    except RftError as error:
        raise explain_lane(error, first.lane) from error


def score_answers(
    answers: Sequence[ChatAnswer], messages: Messages, row: Row, rewards: RewardSet | None
) -> tuple[ChatAnswer, ...]:
    """By the run's own rewards; free text has no row and so is not scored."""
    if not row or rewards is None:
        return tuple(answers)
    batch = Batch(
        [messages] * len(answers), [a.completion.text for a in answers],
        [dict(row)] * len(answers), [a.completion.token_ids for a in answers],
    )  # fmt: skip
    samples = _get_scorer(rewards).score(batch).samples
    return tuple(
        replace(answer, generation=as_generation(answer.completion, sample))
        for answer, sample in zip(answers, samples, strict=True)
    )


@st.cache_resource(
    scope="session", max_entries=1, on_release=Scorer.close, show_spinner=False,
    hash_funcs={RewardSet: lambda rewards: rewards.id},
)  # fmt: skip
def _get_scorer(rewards: RewardSet) -> Scorer:
    """One for all questions to a run: the processes that it starts stay warm between them."""
    return Scorer(rewards)


def show_unfinished() -> None:
    """What the lanes had written when the last question was stopped."""
    unfinished: Unfinished | None = st.session_state.get(UNFINISHED)
    if unfinished is None:
        return
    st.html(prompt_html(unfinished.question))
    columns = st.columns(len(unfinished.titles))
    for title, text, column in zip(unfinished.titles, unfinished.texts, columns, strict=True):
        with column:
            st.markdown(f"**{title}**")
            st.html(growing_text(text))
    st.caption(":material/stop_circle: Stopped before the end: not scored, and not kept.")


def forget_unfinished() -> None:
    st.session_state.pop(UNFINISHED, None)
