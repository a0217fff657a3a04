"""Talk: a conversation in turns, the same question to every lane, each with its own history."""

import json
import time
from dataclasses import asdict, replace

import streamlit as st

from pages.components.chat.answers import (
    AskedLane,
    ChatAnswer,
    forget_unfinished,
    score_answers,
    show_unfinished,
    stream_answers,
)
from pages.components.chat.conversation import (
    ChatQuestion,
    Turn,
    are_together,
    ask_again,
    judge_turn,
    lane_messages,
)
from pages.components.chat.lanes import ChatLane
from pages.components.chat.question_input import pick_question, read_question
from pages.components.chat.settings import TalkSettings
from pages.components.completions.completion_html import prompt_html
from pages.components.completions.view import show_completion
from pages.components.page_header import plain, show_error
from pages.components.preferences.answer_html import ORDINALS, verdict_html
from pages.components.preferences.ballot import BallotItem
from pages.components.preferences.ballot_view import show_ballot
from rft_core.data import PromptSet
from rft_core.errors import RftError
from rft_core.preferences.asking import shuffle_order
from rft_core.rewards.contract import RewardSet
from rft_core.sampling.service.messages import SamplingParams
from rft_core.store.preferences import Judgement, ShownItem

TURNS = "chat_turns"
PENDING = "chat_pending"  # what a callback wants asked
EDITING = "chat_editing"
OWN = "its own answer"


def talk(
    run_id: str,
    lanes: list[ChatLane],
    params: SamplingParams,
    settings: TalkSettings,
    *,
    prompts: PromptSet,
    rewards: RewardSet | None,
) -> None:
    """The conversation so far, and whatever is asked next. Prompts and rewards are the run's."""
    turns = _turns()
    pending: ChatQuestion | None = st.session_state.pop(PENDING, None)
    kept = turns if pending is None else turns[: pending.keep]
    for at, turn in enumerate(kept):
        _show_turn(at, turn, prompts, settings, is_last=at == len(kept) - 1)
    live = st.container()
    question = pick_question(prompts, turns, settings.system) or pending
    if not lanes:
        st.caption("Choose a lane above: somebody has to answer.")
        return
    with live:
        if question is None:
            show_unfinished()
            return
        try:
            turn = _answer(question, turns, lanes, params, settings)
            st.caption("Scoring …" if question.row else "")
            answers = score_answers(turn.answers, question.added, question.row, rewards)
        except RftError as error:
            show_error(error)
            return
    item = None if turn.item is None else _name_source(turn.item, run_id, prompts)
    _keep((*turns[: question.keep], replace(turn, answers=answers, item=item)))
    st.rerun()


def _answer(
    question: ChatQuestion,
    turns: tuple[Turn, ...],
    lanes: list[ChatLane],
    params: SamplingParams,
    settings: TalkSettings,
) -> Turn:
    """Streams. Where the answers are to be judged blind, in random order and without names."""
    keys = [lane.key for lane in lanes]
    can_vote = settings.votes and len(lanes) > 1 and are_together(turns, question, keys)
    if settings.votes and not can_vote:
        st.caption("No vote here: it needs several lanes that have had the same conversation.")
    is_blind = can_vote and settings.blind
    if is_blind:
        lanes = [lanes[at] for at in shuffle_order(time.time_ns(), len(lanes))]
    asked = [
        AskedLane(
            lane, lane_messages(turns, question, lane.key),
            chr(65 + at) if is_blind else plain(lane.label),
            # To compare models, the same random numbers; to be judged, another sample of each.
            question.attempt * len(lanes) + at if can_vote else question.attempt,
        )
        for at, lane in enumerate(lanes)
    ]  # fmt: skip
    answers = stream_answers(asked, params)
    if not can_vote:
        return Turn(question, answers)
    shown = ShownItem(
        asked[0].messages, tuple(answer.as_shown() for answer in answers), question.row,
        sampling=asdict(params), blind=settings.blind,
    )  # fmt: skip
    return Turn(question, answers, item=BallotItem(shown))


def _name_source(item: BallotItem, run_id: str, prompts: PromptSet) -> BallotItem:
    """Whose prompts were asked; free text belongs to no task."""
    task = prompts.task if item.shown.row else None
    return replace(item, run=run_id, shown=replace(item.shown, task=task))


def _show_turn(
    at: int, turn: Turn, prompts: PromptSet, settings: TalkSettings, *, is_last: bool
) -> None:
    if turn.question.begins and at:
        st.divider()
    if turn.question.system:
        st.caption(f":material/settings: {plain(turn.question.system)}")
    if st.session_state.get(EDITING) == at:
        _edit(at, turn, prompts, settings)
    elif turn.item is None:
        _show_question(at, turn)
    if turn.item is not None and is_last:
        show_ballot(turn.item, settings.rater, lambda judgement: _judge(at, judgement))
        return
    if turn.judgement:
        st.html(verdict_html(turn.judgement))
    for place, (answer, column) in enumerate(
        zip(turn.answers, st.columns(len(turn.answers)), strict=True)
    ):
        with column:
            _show_answer(answer, turn.judgement, place)
    if is_last:
        _show_actions(at, turn)


def _show_question(at: int, turn: Turn) -> None:
    text, edit = st.columns([12, 1], vertical_alignment="center")
    text.html(prompt_html(turn.question.text))
    edit.button(
        "Edit", key=f"edit-{at}", icon=":material/edit:", type="tertiary",
        on_click=_start_editing, args=(at,), help="Change it and ask again; later turns go.",
    )  # fmt: skip


def _show_answer(answer: ChatAnswer, judgement: Judgement | None, place: int) -> None:
    title = answer.lane.label
    if judgement and judgement.ranks:
        title = f"{ORDINALS[judgement.ranks[place]]} · {title}"
    show_completion(answer.generation, title=title, reasons=True, unfolded=True)
    st.caption(f"{answer.generation.num_tokens} tokens · {answer.tokens_per_second:.0f} tokens/s")


def _show_actions(at: int, turn: Turn) -> None:
    """Another answer to the last question; whose answer the next one follows; a new beginning."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.button(
            "Regenerate", icon=":material/refresh:", type="tertiary", on_click=_regenerate,
            help="Ask the same again: every lane gives its next sample.",
        )  # fmt: skip
        st.button(
            "New conversation", icon=":material/delete_sweep:", type="tertiary", on_click=_clear
        )
        if len(turn.answers) > 1:
            labels = {"": OWN} | {a.lane.key: a.lane.label for a in turn.answers}
            key = f"goes-on-{at}-{turn.question.attempt}"
            st.session_state[key] = turn.goes_on_with or ""
            st.selectbox(
                "Each lane goes on with", list(labels), key=key, width=260,
                format_func=labels.__getitem__, on_change=_go_on_with, args=(at, key),
            )  # fmt: skip


def _edit(at: int, turn: Turn, prompts: PromptSet, settings: TalkSettings) -> None:
    """The message, or the row, in a field; sent, it takes the place of this turn and all later."""
    question = turn.question
    before = json.dumps(dict(question.row), ensure_ascii=False) if question.row else question.text
    with st.form(f"edit-form-{at}", border=False):
        text = st.text_area("Edit and resend", before, height=110)
        with st.container(horizontal=True):
            send = st.form_submit_button("Send", type="primary", icon=":material/send:")
            st.form_submit_button("Cancel", type="tertiary", on_click=_stop_editing)
    if not send or not text.strip():
        return
    try:
        asked = read_question(prompts, _turns(), text, settings.system, at=at)
    except RftError as error:
        show_error(error)
        return
    _stop_editing()
    st.session_state[PENDING] = asked
    st.rerun()


def _turns() -> tuple[Turn, ...]:
    turns: tuple[Turn, ...] = st.session_state.get(TURNS, ())
    return turns


def _keep(turns: tuple[Turn, ...]) -> None:
    """What was not judged when the next question came is not judged any more."""
    st.session_state[TURNS] = (*(replace(turn, item=None) for turn in turns[:-1]), *turns[-1:])


def _judge(at: int, judgement: Judgement) -> None:
    turns = _turns()
    st.session_state[TURNS] = (*turns[:at], judge_turn(turns[at], judgement), *turns[at + 1 :])


def _go_on_with(at: int, key: str) -> None:
    turns = _turns()
    chosen = replace(turns[at], goes_on_with=st.session_state[key] or None)
    st.session_state[TURNS] = (*turns[:at], chosen, *turns[at + 1 :])


def _regenerate() -> None:
    st.session_state[PENDING] = ask_again(_turns())


def _start_editing(at: int) -> None:
    st.session_state[EDITING] = at


def _stop_editing() -> None:
    st.session_state.pop(EDITING, None)


def _clear() -> None:
    st.session_state.pop(TURNS, None)
    _stop_editing()
    forget_unfinished()
