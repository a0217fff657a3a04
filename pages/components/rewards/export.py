"""Rewards as files to take away: OpenAI's grader JSON, and a module for TRL."""

import re
from collections.abc import Callable

import streamlit as st

from pages.components.page_header import plain
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.exchange.openai_export import Exported, export_graders
from rft_core.rewards.exchange.trl_module import write_module


def export_popover(rewards: RewardSet | None) -> None:
    """The files are written when somebody looks; what a format cannot express is said in words."""
    popover = st.popover(
        "Export", icon=":material/download:", disabled=rewards is None, on_change="rerun",
        key="rewards_export", width="stretch",
    )  # fmt: skip
    if not popover.open or rewards is None:
        return
    name = re.sub(r"\W+", "_", rewards.name).strip("_") or "rewards"
    with popover:
        openai = _try(lambda: export_graders(rewards))
        _offer("OpenAI JSON", openai, f"{name}.json", "application/json", "data_object")
        module = _try(lambda: Exported(write_module(rewards)))
        _offer("Python (TRL)", module, f"{name}.py", "text/x-python", "code")
        if isinstance(module, Exported):
            st.caption("It needs nothing of RFT Studio: built-in graders bring their code along.")


def _try(make: Callable[[], Exported]) -> Exported | BadInputError:
    try:
        return make()
    except BadInputError as error:
        return error


def _offer(
    label: str, made: Exported | BadInputError, file_name: str, mime: str, icon: str
) -> None:
    is_made = isinstance(made, Exported)
    st.download_button(
        label, made.text if is_made else "", file_name, mime, key=f"rewards_export_{mime}",
        icon=f":material/{icon}:", disabled=not is_made, width="stretch", on_click="ignore",
    )  # fmt: skip
    if is_made:
        for remark in made.remarks:
            st.caption(f":material/info: {plain(remark)}")
    else:
        st.caption(f":material/block: **{plain(made.what)}**")
        for why in made.why.split("; "):
            st.caption(f"- {plain(why)}")
