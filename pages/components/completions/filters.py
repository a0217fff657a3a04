"""The filters of the Generations page: widgets bound to the address, read as a GenerationFilter."""

import re
from typing import Any

import streamlit as st

from rft_core.paths import get_runs_dir
from rft_core.store.generations import list_flags
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter

ANY = "any"
SPLITS = ("train", "validation")
LENGTHS = {"complete": False, "truncated": True}
# Every key is also the name in the address. What each holds when it does not filter:
CLEARED: dict[str, Any] = {
    "split": ANY,
    "step": None,
    "until": None,
    "text": "",
    "function": ANY,
    "from": None,
    "to": None,
    "unscored": False,
    "flag": ANY,
    "length": ANY,
    "prompt": None,
    "ids": "",
}


def generation_filters(run_id: str, functions: list[str]) -> GenerationFilter:
    """Draw the filters in the current row: the frequent ones open, the others in a popover."""
    split = st.segmented_control(
        "Split", [ANY, *SPLITS], default=ANY, required=True, key="split", bind="query-params"
    )
    step = st.number_input(
        "Step", 0, None, None, 1, key="step", bind="query-params", placeholder="any", width=110
    )
    text = st.text_input(
        "Text", key="text", bind="query-params", type="search", placeholder="in the completion"
    )
    with st.popover(_popover_label(), icon=":material/filter_list:"):
        rest = _less_frequent(run_id, functions)
        st.button("Clear all filters", on_click=clear_filters, width="stretch")
    return GenerationFilter(
        split=None if split == ANY else split, step=step, text=text or None, **rest
    )


def _less_frequent(run_id: str, functions: list[str]) -> dict[str, Any]:
    function = st.selectbox(
        "Score of", [ANY, *functions], key="function", bind="query-params",
        format_func=lambda name: "the total reward" if name == ANY else name,
    )  # fmt: skip
    low, high = st.columns(2)
    min_score = low.number_input(
        "from", None, None, None, 0.1, key="from", bind="query-params", placeholder="any"
    )
    max_score = high.number_input(
        "to", None, None, None, 0.1, key="to", bind="query-params", placeholder="any"
    )
    unscored = st.toggle(
        "Only those that a function could not judge", key="unscored", bind="query-params"
    )
    flag = st.selectbox("Flag", [ANY, *_flags(run_id)], key="flag", bind="query-params")
    length = st.segmented_control(
        "Length", [ANY, *LENGTHS], default=ANY, required=True, key="length", bind="query-params"
    )
    until = st.number_input(
        "Up to step", 0, None, None, 1, key="until", bind="query-params", placeholder="that step",
        help="Makes the step beside the filters the first of several.",
    )  # fmt: skip
    prompt = st.number_input(
        "Prompt number", 1, None, None, 1, key="prompt", bind="query-params", placeholder="any"
    )
    ids = st.text_input("Only these", key="ids", bind="query-params", placeholder="ids: 3, 14")
    bounded = min_score is not None or max_score is not None
    return {
        "function": function if bounded and function != ANY else None,
        "min_score": min_score,
        "max_score": max_score,
        "unscored": bool(unscored),
        "flag": None if flag == ANY else flag,
        "truncated": LENGTHS.get(length or ANY),
        "prompt_id": prompt,
        "ids": _read_ids(ids or ""),
        "last_step": until,
    }


def _read_ids(text: str) -> tuple[int, ...]:
    """Numbers, whatever stands between them; what is none is passed over."""
    return tuple(int(word) for word in re.findall(r"[0-9]{1,18}", text))


def clear_filters() -> None:
    for key, value in CLEARED.items():
        st.session_state[key] = value


def _popover_label() -> str:
    """With the number of filters at work inside; before the first run only the address knows."""
    state, address = st.session_state, st.query_params
    folded = ("from", "to", "unscored", "flag", "length", "until", "prompt", "ids")
    count = sum(state[k] != CLEARED[k] if k in state else k in address for k in folded)
    return f"Filters · {count}" if count else "Filters"


@st.cache_data(ttl=10, max_entries=20, show_spinner=False)
def _flags(run_id: str) -> list[str]:
    """Looks at every generation: not at each rerun."""
    with open_run(get_runs_dir(), run_id) as db:
        return list_flags(db)
