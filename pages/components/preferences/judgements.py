"""What was judged: how many, how far to trust it, who won, and every judgement as it was made."""

import statistics
import time
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.components.completions.completion_html import prompt_html
from pages.components.durations import age_text
from pages.components.page_header import plain, shown_errors
from pages.components.preferences.answer_html import answer_card, verdict_html
from pages.components.preferences.pair_sets import show_pair_sets
from pages.components.untrusted_text import spell_unseen
from rft_core.paths import get_runs_dir
from rft_core.preferences.agreement import MeasuredShare, measure_lanes, measure_self_agreement
from rft_core.store.index import open_index
from rft_core.store.preferences import Judgement, list_judgements

MOST_LISTED = 500
FEW_REPEATS = 10  # with fewer, an interval of self-agreement says nearly nothing


def show_preferences() -> None:
    with shown_errors(), open_index(get_runs_dir()) as index:
        judgements = list_judgements(index)
    if judgements:
        _show_summary(judgements)
        _show_lanes(judgements)
        _show_list(judgements)
    else:
        st.info(
            "Nothing has been judged yet. Rate answers in the view beside this one, or import "
            "a file of pairs below.",
            icon=":material/how_to_vote:",
        )
    show_pair_sets(judgements)


def _show_summary(judgements: Sequence[Judgement]) -> None:
    agreement = measure_self_agreement(judgements)
    skipped = sum(judgement.ranks is None for judgement in judgements)
    repeated = sum(judgement.repeats is not None for judgement in judgements)
    people = len({judgement.who for judgement in judgements})
    with st.container(horizontal=True, border=True):
        st.metric("Judgements", f"{len(judgements):,}")
        st.metric("People", people)
        seconds = statistics.median(judgement.seconds for judgement in judgements)
        st.metric("Seconds each, median", f"{seconds:.1f}")
        st.metric("Skipped", skipped)
        st.metric("Asked again", repeated, help="One item in twenty, to see self-agreement.")
        st.metric("Self-agreement", f"{agreement.value:.0%}" if agreement else "–")
    st.caption(_explain_agreement(agreement))


def _explain_agreement(agreement: MeasuredShare | None) -> str:
    if agreement is None:
        return (
            "Self-agreement shows once an item has been judged twice: one in twenty comes again, "
            "in another order. Nothing trained on judgements can agree with them more than that."
        )
    low, high = agreement.ci
    sure = f"95% interval {low:.0%} to {high:.0%}, {agreement.n} items"
    if agreement.n < FEW_REPEATS:
        return f"Self-agreement: {sure}. That is too few to say much."
    return (
        f"Self-agreement: {sure}. Guessing between two would reach 50%; nothing trained on these "
        "judgements can agree with them more than their makers do."
    )


def _show_lanes(judgements: Sequence[Judgement]) -> None:
    records = measure_lanes(judgements)
    frame = pd.DataFrame(
        {
            "lane": [spell_unseen(record.lane) for record in records],
            "answers": [record.answers for record in records],
            "placed first": [record.best for record in records],
            "win rate": [100 * r.win_rate.value if r.win_rate else None for r in records],
            "95% interval": [_interval(record.win_rate) for record in records],
            "judgements": [r.win_rate.n if r.win_rate else 0 for r in records],
        }
    )
    st.markdown("**Lanes**")
    st.dataframe(
        frame, hide_index=True, alt="How every lane fared against the others",
        column_config={
            "win rate": st.column_config.ProgressColumn(
                "win rate", format="%d%%", min_value=0, max_value=100, color="primary"
            )
        },
    )  # fmt: skip
    if all(record.win_rate is None for record in records):
        st.caption("A win rate needs answers of two lanes in one judgement.")


def _show_list(judgements: Sequence[Judgement]) -> None:
    newest = list(reversed(judgements))[:MOST_LISTED]
    frame = pd.DataFrame(
        {
            "when": [age_text(time.time() - judgement.created_at) for judgement in newest],
            "who": [spell_unseen(judgement.who) for judgement in newest],
            "prompt": [_one_line(j.shown.messages[-1]["content"]) for j in newest],
            "verdict": [judgement.verdict for judgement in newest],
            "seconds": [judgement.seconds for judgement in newest],
            "again": ["again" if judgement.repeats else "" for judgement in newest],
        }
    )
    st.markdown("**Judgements**, newest first")
    chosen = st.dataframe(
        frame, hide_index=True, height=min(38 + 35 * len(newest), 280), key="judgements",
        on_select="rerun", selection_mode="single-row", alt="Judgements, newest first",
        column_config={"seconds": st.column_config.NumberColumn("seconds", format="%.1f")},
    )  # fmt: skip
    if len(judgements) > len(newest):
        st.caption(f"The newest {len(newest):,} of {len(judgements):,}.")
    rows = chosen["selection"]["rows"]
    if rows and rows[0] < len(newest):
        _show_judgement(newest[rows[0]])


def _show_judgement(judgement: Judgement) -> None:
    """What was shown, in the order shown, with the names that were hidden then."""
    with st.container(border=True):
        st.html(prompt_html(judgement.shown.messages[-1]["content"]))
        st.html(verdict_html(judgement))
        answers = judgement.shown.answers
        ranks = judgement.ranks or (None,) * len(answers)
        for rank, answer, column in zip(ranks, answers, st.columns(len(answers)), strict=True):
            column.html(answer_card(answer, title=answer.lane, place=rank))
        sampling = ", ".join(f"{key} {value}" for key, value in judgement.shown.sampling.items())
        blind = "blind" if judgement.shown.blind else "with the lanes' names in sight"
        st.caption(plain(f"Judged {blind} in {judgement.seconds:.1f} s · {sampling}"))


def _interval(share: MeasuredShare | None) -> str:
    return "" if share is None else f"{share.ci[0]:.0%} to {share.ci[1]:.0%}"


def _one_line(text: str) -> str:
    return spell_unseen(" ".join(text.split()))[:200]
