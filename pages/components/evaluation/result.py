"""What was found: a sentence per model, bars and curves, and tables with intervals."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from pages.components.charts.pass_rate_figure import pass_rate_figure
from pages.components.charts.samples_figure import samples_figure
from pages.components.page_header import plain
from rft_core.evaluation.records import EvaluationRecord, Matchup
from rft_core.evaluation.report import (
    Label,
    comparison_table,
    forgotten_text,
    main_table,
    selection_table,
    verdict_text,
)
from rft_core.evaluation.results import Evaluation

NO_BAR = {"displayModeBar": False}


def show_matchup(matchup: Matchup, record: EvaluationRecord, label: Label, key: str) -> None:
    """Verdicts, then figures, then numbers; how it was measured stands below."""
    base, *tuned = matchup.evaluations
    for evaluation in tuned:
        _verdict(evaluation, base, label)
    labels = [label(one) for one in matchup.labels]
    st.plotly_chart(pass_rate_figure(matchup.evaluations, labels), config=NO_BAR, key=f"{key}-bars")
    if record.k > 1:
        st.plotly_chart(
            samples_figure(matchup.evaluations, labels, record.rerank), config=NO_BAR,
            key=f"{key}-curves",
        )  # fmt: skip
    show_table(main_table(matchup.evaluations, label))
    st.caption(plain(matchup.about))
    if chosen := selection_table(matchup.evaluations, record.rerank, label):
        st.markdown("**Does choosing among the k help?** Against picking one of them at random:")
        show_table(chosen)
    pairs = comparison_table(matchup, label)
    with st.expander(f"Every pair of models, every measure ({len(pairs)})"):
        show_table(pairs)


def show_forgotten(record: EvaluationRecord, label: Label) -> None:
    """The second task: first what it says of forgetting, then its numbers."""
    if record.regression is None:
        return
    st.markdown(f"**{plain(forgotten_text(record.regression, label))}**")
    show_matchup(record.regression, record, label, "regression")


def show_table(rows: Sequence[Mapping[str, str]]) -> None:
    st.dataframe(pd.DataFrame(rows), hide_index=True, height="content")


def _verdict(evaluation: Evaluation, base: Evaluation, label: Label) -> None:
    """One sentence: by how much, and whether that could be chance."""
    difference = evaluation.versus_base
    if difference is None:
        return
    name = f"**{plain(label(evaluation.model))}**"
    text = verdict_text(name, plain(label(base.model)), difference)
    if not difference.is_significant:
        st.info(text, icon=":material/help:")
    elif difference.difference > 0:
        st.success(text, icon=":material/trending_up:")
    else:
        st.warning(text, icon=":material/trending_down:")
