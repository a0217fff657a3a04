"""Pairs from a run's groups: which run, by which reward, how many of one prompt."""

from collections.abc import Callable

import streamlit as st

from rft_core.data import PairSet
from rft_core.data.graded_pairs import ChosenPairs, PairChoice
from rft_core.evaluation.run_pairs import make_run_pairs
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, list_runs
from rft_core.store.sets import get_set

TOTAL = "the total reward"


def make_pairs_of_run(pick_share: Callable[[], float]) -> tuple[PairSet, ChosenPairs] | None:
    """The form, and once it is sent the pairs, not stored yet. Raises `BadInputError`.

    `pick_share` draws the widget for the share that is held out.
    """
    with open_index(get_runs_dir()) as index:
        runs = {run.id: run for run in list_runs(index) if run.config.reward_set}
    if not runs:
        st.caption("No run here has rewards: launch one that samples groups.")
        return None
    chosen = st.selectbox(
        "Run", list(runs), key="graded_run", format_func=lambda id: runs[id].label
    )
    with st.form("make-graded-pairs", border=False):
        by = st.selectbox("Better by", [TOTAL, *_list_functions(runs[chosen])], key="graded_by")
        most = st.number_input("At most of one prompt", 1, 100, 4, key="graded_most")
        alike = st.toggle(
            "Of like length", key="graded_alike",
            help="Lengths within 10%: else a model may learn that the longer answer is the better.",
        )  # fmt: skip
        share = pick_share()
        sent = st.form_submit_button("Make pairs of it", icon=":material/compare_arrows:")
    if not sent:
        return None
    return make_run_pairs(
        get_runs_dir(), chosen,
        PairChoice(max_per_prompt=int(most), match_length=0.1 if alike else None),
        function=None if by == TOTAL else by, validation_share=share,
    )  # fmt: skip


def _list_functions(run: RunRow) -> list[str]:
    with open_index(get_runs_dir()) as index:
        stored = get_set(index, "rewards", str(run.config.reward_set)).content
    return [*RewardSet.from_json(stored).names]
