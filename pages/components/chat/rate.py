"""Rate: the next prompt of the run, two to four answers, one key, and on to the next.

What comes next follows from what is stored (see `rft_core/preferences/asking.py`), so that rating
goes on where it ended. One item in twenty is an earlier one again, which then comes at once, since
its answers are there: a rater who knows this may notice.
"""

from dataclasses import asdict, dataclass, replace

import streamlit as st

from pages.components.chat.answers import AskedLane, show_unfinished, stream_answers
from pages.components.chat.lanes import ChatLane
from pages.components.chat.settings import TRAINING, RateSettings
from pages.components.page_header import plain, show_error, shown_errors
from pages.components.preferences.answer_html import verdict_html
from pages.components.preferences.ballot import BallotItem
from pages.components.preferences.ballot_view import show_ballot
from rft_core.data import PromptSet
from rft_core.errors import RftError
from rft_core.paths import get_runs_dir
from rft_core.preferences.asking import choose_repeat, draw_row, reorder, shuffle_order
from rft_core.sampling.service.messages import SamplingParams
from rft_core.store.index import open_index
from rft_core.store.preferences import (
    Judgement,
    ShownItem,
    count_judgements,
    list_judgements,
    undo_judgement,
)

STATE = "rate"


@dataclass(frozen=True)
class Rating:
    """Where a session of rating stands. `source`: what is asked of whom; another one begins anew.

    `item`: what is to be judged; None while the next one is drawn. `aside`: drawn already, and put
    aside by an undo. `last`: the newest judgement, whose lanes are shown.
    """

    source: tuple[object, ...]
    goes_on: bool = False
    item: BallotItem | None = None
    aside: tuple[BallotItem, ...] = ()
    last: Judgement | None = None


@dataclass(frozen=True)
class Asking:
    """Of which run, whom, how."""

    run_id: str
    lanes: tuple[ChatLane, ...]
    params: SamplingParams
    settings: RateSettings
    prompts: PromptSet

    @property
    def source(self) -> tuple[object, ...]:
        return (self.run_id, tuple(lane.key for lane in self.lanes), self.params, self.settings)


def rate(asking: Asking) -> None:
    """A fragment: a key redraws the answers and nothing else."""
    if not asking.lanes:
        st.caption("Choose a lane above: somebody has to answer.")
        return
    st.fragment(shown_errors()(_rate))(asking)


def _rate(asking: Asking) -> None:
    rating = _state(asking)
    with open_index(get_runs_dir()) as index:
        count = count_judgements(index, who=asking.settings.rater, run=asking.run_id)
    _show_progress(rating, count)
    if not rating.goes_on:
        _show_start(asking, count)
        show_unfinished()
        return
    place = st.empty()  # the stream, and then the ballot in its stead
    if rating.item is None:
        try:
            with place.container():
                item = _draw(asking)
        except RftError as error:
            _change(asking, goes_on=False)
            show_error(error)
            return
        rating = _change(asking, item=item)
    assert rating.item is not None
    with place.container():
        show_ballot(
            rating.item, asking.settings.rater, lambda judgement: _after(asking, judgement),
            (lambda: _undo(asking)) if count else None,
        )  # fmt: skip


def _draw(asking: Asking) -> BallotItem:
    """An item put aside, an earlier one again, or the next prompt answered. Streams; `RftError`."""
    rating = _state(asking)
    if rating.aside:
        _change(asking, aside=rating.aside[1:])
        waited = rating.aside[0]
        return BallotItem(waited.shown, waited.run, waited.repeats)
    with open_index(get_runs_dir()) as index:
        judged = list_judgements(index, who=asking.settings.rater, run=asking.run_id)
    if (repeat := choose_repeat(judged)) is not None:
        shown = reorder(repeat.shown, len(judged))
        return BallotItem(shown, asking.run_id, repeats=repeat.id)
    return BallotItem(_ask_next(asking, judged), asking.run_id)


def _ask_next(asking: Asking, judged: list[Judgement]) -> ShownItem:
    """The answers to the next prompt; Stop leaves what was rated as it is."""
    settings, lanes = asking.settings, asking.lanes
    prompts = asking.prompts
    rows = prompts.train_rows if settings.split == TRAINING else prompts.validation_rows
    rows = rows or prompts.rows
    at, seed = draw_row(judged, rows)
    params = replace(asking.params, seed=asking.params.seed + seed)
    messages = prompts.ask(rows[at])
    # Each its own sample: with the same random numbers, lanes that are much alike say the same.
    chosen = [(lanes[n % len(lanes)], n) for n in range(settings.count)]
    if settings.blind:
        chosen = [chosen[place] for place in shuffle_order(len(judged), len(chosen))]
    asked = [
        AskedLane(lane, messages, chr(65 + place) if settings.blind else plain(lane.label), index)
        for place, (lane, index) in enumerate(chosen)
    ]
    answers = stream_answers(asked, params, on_stop=lambda: _change(asking, goes_on=False))
    return ShownItem(
        messages, tuple(answer.as_shown() for answer in answers), rows[at], prompts.task,
        asdict(params), settings.blind,
    )  # fmt: skip


def _show_start(asking: Asking, count: int) -> None:
    names = " and ".join(plain(lane.label) for lane in asking.lanes)
    many = asking.settings.count
    st.write(
        f"{many} answers to each {asking.settings.split} prompt, by {names}. Keys: 1–{many} give "
        "the next place, E makes the rest equal, S skips, U takes back."
    )
    label = "Go on" if count else "Start rating"
    st.button(
        label, type="primary", icon=":material/play_arrow:", on_click=_change, args=(asking,),
        kwargs={"goes_on": True},
    )  # fmt: skip


def _show_progress(rating: Rating, count: int) -> None:
    """How many, and the last one with its lanes, which may be known now."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(f"**{count}** judged", width="content")
        if rating.last is not None:
            st.caption("· last:", width="content")
            st.html(verdict_html(rating.last), width="content")


def _after(asking: Asking, judgement: Judgement) -> None:
    _change(asking, item=None, last=judgement)


def _undo(asking: Asking) -> None:
    """The newest judgement is taken back, and its answers are shown again; the rest can wait."""
    with open_index(get_runs_dir()) as index:
        undone = undo_judgement(index, asking.settings.rater, run=asking.run_id)
    if undone is None:
        return
    rating = _state(asking)
    aside = ((rating.item,) if rating.item else ()) + rating.aside
    item = BallotItem(undone.shown, undone.run, undone.repeats)
    _change(asking, item=item, aside=aside, last=None)


def _state(asking: Asking) -> Rating:
    rating: Rating | None = st.session_state.get(STATE)
    if rating is None or rating.source != asking.source:
        rating = Rating(asking.source)
        st.session_state[STATE] = rating
    return rating


def _change(asking: Asking, **values: object) -> Rating:
    rating = replace(_state(asking), **values)  # type: ignore[arg-type]
    st.session_state[STATE] = rating
    return rating
