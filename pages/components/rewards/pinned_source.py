"""The reward set that a run is pinned to, as it was when the run began: weights and source."""

import inspect
import json

import streamlit as st

from pages.components.page_header import plain
from pages.components.rewards.shaping import describe_shaping
from pages.components.shared_reads import shared_reads
from rft_core.errors import NotFoundError
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.triton.graders import INFOS as KERNEL_GRADERS
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow
from rft_core.store.sets import StoredSet, get_set

Pinned = tuple[StoredSet, RewardSet]


def get_pinned_rewards(run: RunRow) -> Pinned | None:
    """None for a run without pinned rewards."""
    if run.config.reward_set is None:
        return None
    folder, id = get_runs_dir(), run.config.reward_set

    def read(known: Pinned | None) -> Pinned:
        with open_index(folder) as index:
            stored = get_set(index, "rewards", id)
        return stored, RewardSet.from_json(stored.content)

    try:
        return shared_reads().get(("pinned", folder, id), id, read)  # a stored set never changes
    except NotFoundError:
        return None


def reward_weights(run: RunRow) -> dict[str, float]:
    """Weight by function name, in order; empty when the rewards are not known."""
    pinned = get_pinned_rewards(run)
    return dict(zip(pinned[1].names, pinned[1].weights, strict=True)) if pinned else {}


def judge_names(run: RunRow) -> frozenset[str]:
    """The functions whose scores a judge gives."""
    pinned = get_pinned_rewards(run)
    entries = pinned[1].entries if pinned else ()
    return frozenset(entry.name for entry in entries if entry.grader == "judge")


def kernel_limits(run: RunRow) -> str:
    """What the scores of kernels leave open, to be said beside their curves; else ""."""
    pinned = get_pinned_rewards(run)
    names = [e.name for e in pinned[1].entries if e.grader in KERNEL_GRADERS] if pinned else []
    return f"Measured on a CPU, no race or speed check: {', '.join(names)}." if names else ""


def show_reward_source(run: RunRow) -> None:
    """Every function with its weight, its grader's options or its Python source."""
    if run.config.reward_set is None:
        st.info("This run learns from given completions: nothing is rewarded.")
        return
    pinned = get_pinned_rewards(run)
    if pinned is None:
        st.info("This run's reward set is not stored in this runs folder.")
        return
    stored, rewards = pinned
    st.caption(
        f"Reward set {plain(stored.name or 'unnamed')} version {stored.version} · `{stored.id}` · "
        "pinned when the run began: later edits do not change it."
    )
    for entry in rewards.entries:
        _entry(entry)


def _entry(entry: RewardEntry) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(entry.name, width="content")
            weight = f"weight {entry.weight:g}" if entry.weight else "only logged"
            st.badge(weight, color="blue" if entry.weight else "gray")
            st.badge("Python" if entry.grader == PYTHON_GRADER else "built in", color="gray")
        if entry.shaping:
            st.caption(plain(f"It counts {describe_shaping(entry.shaping)}."))
        if entry.source is not None:
            st.code(entry.source, language="python", line_numbers=True)
        else:
            _grader(entry)


def _grader(entry: RewardEntry) -> None:
    """What a built-in grader does, in a sentence and in its code."""
    info = GRADERS.get(entry.grader)
    if info is None:
        st.text(f"The grader '{entry.grader}' is not part of this version of RFT Studio.")
        return
    st.text(info.help)
    if entry.options:
        st.code(json.dumps(dict(entry.options), ensure_ascii=False, indent=1), language="json")
    if info.function is not None:
        with st.expander("Its code, as in this version of RFT Studio", icon=":material/code:"):
            st.code(inspect.getsource(inspect.getmodule(info.function) or info.function))
