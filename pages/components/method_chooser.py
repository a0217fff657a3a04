"""The chooser "SFT or RFT?": four questions, one recommendation, and the trade-off table."""

from dataclasses import asdict

import pandas as pd
import streamlit as st

from rft_core.diagnosis.method_advice import TRADEOFFS, Situation, advise

LABEL_CHOICES = {"none": 0, "10 or so": 10, "about 100": 100, "1,000 or more": 1_000}


def method_chooser() -> None:
    left, right = st.columns([3, 2], gap="large")
    with left:
        verifiable = st.segmented_control(
            "Can a program check an answer?", ["yes", "no"], default="yes", required=True
        )
        labels = st.segmented_control(
            "How many examples have a right answer?", list(LABEL_CHOICES), default="none",
            required=True,
        )  # fmt: skip
        reasoning = st.segmented_control(
            "Does thinking step by step help?", ["yes", "no"], default="yes", required=True
        )
        preferences = st.segmented_control(
            "Could people rank several answers?", ["yes", "no"], default="no", required=True
        )
    advice = advise(
        Situation(
            verifiable == "yes", LABEL_CHOICES[str(labels)], reasoning == "yes",
            preferences == "yes",
        )
    )  # fmt: skip
    with right, st.container(border=True):
        st.markdown(f"**{advice.method}**")
        for reason in advice.reasons:
            st.markdown(f"- {reason}")
        st.caption(advice.next_step)
    st.dataframe(pd.DataFrame([asdict(row) for row in TRADEOFFS]), hide_index=True)
