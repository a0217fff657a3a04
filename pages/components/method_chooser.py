"""The chooser "SFT or RFT?": a few questions, one recommendation to launch, and trade-offs."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
import streamlit as st

from pages.components.config_form import draft_values, follow_method, set_draft
from rft_core.diagnosis.method_advice import Advice, Situation, advise
from rft_core.diagnosis.method_tradeoffs import METHOD_TRADEOFFS, SFT_OR_RFT

LABEL_CHOICES = {"none": 0, "10 or so": 10, "about 100": 100, "1,000 or more": 1_000}
BASE_CHOICES = {"I do not know": "unknown", "never": "never", "sometimes": "sometimes",
                "mostly": "often"}  # fmt: skip


def method_chooser() -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        situation = _ask()
    with right, st.container(border=True, key="advice"):
        _show(advise(situation))
    methods, contrast = st.tabs(["What each method costs", "SFT against RFT"])
    with methods:
        _table([
            {
                "method": row.method,
                "data": row.data, "compute": row.compute, "stability": row.stability,
                "limit": row.limit,
            }
            for row in METHOD_TRADEOFFS
        ])  # fmt: skip
    with contrast:
        _table([{"": c.feature, "SFT": c.sft, "RFT": c.rft} for c in SFT_OR_RFT])


def _ask() -> Situation:
    verifiable = _choose("Can a program check an answer?", ["yes", "no"], "yes")
    base = "I do not know"
    if verifiable == "yes":
        base = _choose("How often is the base right today?", list(BASE_CHOICES), base)
    labels = _choose("How many examples have a right answer?", list(LABEL_CHOICES), "none")
    worked = "final answers"
    if LABEL_CHOICES[labels]:
        worked = _choose("What do these examples hold?", ["final answers", "the whole way"], worked)
    reasoning = _choose("Does thinking step by step help?", ["yes", "no"], "yes")
    preferences = _choose("Could people rank several answers?", ["yes", "no"], "no")
    return Situation(
        verifiable == "yes", LABEL_CHOICES[labels], reasoning == "yes", preferences == "yes",
        BASE_CHOICES[base], worked == "the whole way",  # type: ignore[arg-type]
    )  # fmt: skip


def _choose(question: str, answers: Sequence[str], default: str) -> str:
    return str(st.segmented_control(question, answers, default=default, required=True))


def _show(advice: Advice) -> None:
    st.markdown(f"**{advice.method}**")
    for reason in advice.reasons:
        st.markdown(f"- {reason}")
    st.caption(advice.next_step)
    if advice.settings:
        _launch_button("Set it up on Train", advice.settings, "advice-train", "primary")
    for other in advice.instead:
        st.caption(f"**Or** {other.when}")
        if other.settings:
            _launch_button("Set this up", other.settings, f"instead-{other.plan}", "tertiary")


def _launch_button(
    label: str, settings: Mapping[str, Any], key: str, look: Literal["primary", "tertiary"]
) -> None:
    if st.button(
        label, type=look, icon=":material/arrow_forward:", key=key, on_click=_fill_in,
        args=(settings,),
    ):  # fmt: skip
        st.switch_page("train.py")


def _fill_in(settings: Mapping[str, Any]) -> None:
    """A callback: the method or the stages, as advised; all else stays as it was chosen."""
    set_draft({**draft_values(), **settings})
    follow_method()


def _table(rows: list[dict[str, str]]) -> None:
    """Sentences need lines: a plain table wraps them."""
    table = pd.DataFrame(rows)
    st.table(table.set_index(table.columns[0]), border="horizontal")
