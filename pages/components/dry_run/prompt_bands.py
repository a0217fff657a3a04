"""Which of the tried prompts teach, and a button that keeps them as a prompt set of its own."""

import math
from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from pages.components.dry_run.form import PromptChoice
from pages.components.page_header import plain, show_error
from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.diagnosis.preflight.prompts import (
    PassRates,
    PassRule,
    find_highest,
    find_pass_rule,
    keep_prompts,
    measure_pass_rates,
)
from rft_core.dry_run import DryRun
from rft_core.errors import RftError
from rft_core.jobs.pinning import make_task_prompt_set, store_prompt_set
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.sets import get_set

KEPT = "prompt_bands_kept"
HARD_COLOR, BETWEEN_COLOR, EASY_COLOR = "#e05252", "#6d66f0", "#d99a1c"
BAND_OPACITY = 0.1
WHOLE = ""  # stands for the whole reward, as in `PassRule`


def show_prompt_bands(result: DryRun, prompts: PromptChoice) -> None:
    """The histogram, what counts as solved, and the filter."""
    with st.container(border=True, key="prompt-bands"):
        chart, side = st.columns([5, 3], gap="medium")
        with side:
            rates = measure_pass_rates(result.data, choose_rule(result))
            explain(rates)
            offer_to_keep(result, rates, prompts)
        with chart:
            st.markdown("**How often the prompts were solved**")
            st.plotly_chart(
                pass_band_figure(rates, result.data.group_size),
                config={"displayModeBar": False},
                alt="Number of prompts by the share of their completions that solve them",
            )


def choose_rule(result: DryRun) -> PassRule:
    """By the best score of correctness, unless another function or score is chosen."""
    usual = find_pass_rule(result.data)
    names = [*result.data.reward_set.names, WHOLE]
    with st.container(horizontal=True):  # wraps where there is little room
        function = st.selectbox(
            "Solved means", names, index=names.index(usual.function), key="band_function",
            format_func=lambda name: name or "the whole reward", width=160,
        )  # fmt: skip
        highest = find_highest(result.data, function)
        threshold = st.number_input(
            "of at least", value=highest, step=0.1, key=f"band_threshold-{function}-{highest}",
            help="By default the highest score that can be reached.", width=130,
        )  # fmt: skip
    return PassRule(function, float(threshold))


def explain(rates: PassRates) -> None:
    teach, idle = len(rates.between), len(rates.too_hard) + len(rates.too_easy)
    if not teach + idle:
        st.caption("Nothing could be scored by this.")
        return
    if not idle:
        st.caption(
            "Every prompt is solved by some completions and not by others: good to learn from."
        )
        return
    st.caption(
        f"{teach} of {teach + idle} prompts are solved by some completions and not by others. The "
        "rest cost as much time, and show nothing of what makes an answer right."
    )


def offer_to_keep(result: DryRun, rates: PassRates, prompts: PromptChoice) -> None:
    kept, total = len(rates.between), len(rates.rates)
    needed = result.data.step.prompts
    st.button(
        f"Keep the {kept} in between", icon=":material/filter_alt:", key="band_keep",
        on_click=_storing(result, rates, prompts), disabled=not 0 < kept < total,
        help="Stores them as a prompt set; its validation prompts are those of the old one. "
        "Prompts that were not tried are not in it: raise the number of prompts above first.",
    )  # fmt: skip
    if 0 < kept < min(needed, total):
        st.caption(f"A training step needs {needed} different prompts: try more of them.")
    stored: PromptSet | RftError | None = st.session_state.pop(KEPT, None)
    if isinstance(stored, PromptSet):
        st.success(
            f"Stored as **{plain(stored.name)}** with {len(stored.train_rows)} prompts, and chosen "
            "for training.",
            icon=":material/check:",
        )
    elif stored is not None:
        show_error(stored)


def _storing(result: DryRun, rates: PassRates, prompts: PromptChoice) -> Callable[[], None]:
    def store() -> None:
        rows = [result.rows[index] for index in rates.between]
        try:
            whole = _load_set(prompts, len(result.rows))
            kept = keep_prompts(whole, rows, f"{whole.name}, {len(rows)} in between")
            with open_index(get_runs_dir()) as index:
                id = store_prompt_set(index, kept)
        except RftError as error:
            st.session_state[KEPT] = error
            return
        st.session_state[KEPT] = kept
        st.query_params["prompts"] = id

    return store


def _load_set(prompts: PromptChoice, count: int) -> PromptSet:
    """The stored set, or the task's own prompts as they were tried."""
    if prompts.set_id is None:
        return make_task_prompt_set(RunConfig(task=prompts.task, num_prompts=count))
    with open_index(get_runs_dir()) as index:
        return PromptSet.from_json(get_set(index, "prompts", prompts.set_id).content)


def pass_band_figure(rates: PassRates, group_size: int) -> go.Figure:
    """A bar per pass rate: never on the left, always on the right."""
    counts = rates.histogram(group_size)
    last = len(counts) - 1
    labels = ["never", *(f"{i / last:.0%}" for i in range(1, last)), "always"]
    figure = go.Figure(
        go.Bar(
            x=list(range(last + 1)),
            y=counts,
            width=0.72,
            marker_color=[HARD_COLOR, *[BETWEEN_COLOR] * (last - 1), EASY_COLOR],
            customdata=labels,
            hovertemplate="solved %{customdata}: %{y} prompts<extra></extra>",
        )
    )
    bands = [
        (-0.5, 0.5, HARD_COLOR, "left", f"too hard · {len(rates.too_hard)}"),
        (0.5, last - 0.5, BETWEEN_COLOR, "center", f"in between · {len(rates.between)}"),
        (last - 0.5, last + 0.5, EASY_COLOR, "right", f"too easy · {len(rates.too_easy)}"),
    ]
    for start, end, color, side, text in bands:
        figure.add_vrect(
            x0=start, x1=end, fillcolor=color, opacity=BAND_OPACITY, line_width=0, layer="below"
        )
        figure.add_annotation(
            x={"left": start, "right": end}.get(side, (start + end) / 2), xanchor=side,
            y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False,
            font={"color": color, "size": 12},
        )  # fmt: skip
    figure.update_xaxes(
        tickvals=list(range(last + 1)), ticktext=labels, range=[-0.5, last + 0.5],
        title="share of the completions that solve the prompt", showgrid=False,
    )  # fmt: skip
    figure.update_yaxes(title="prompts", rangemode="tozero", dtick=math.ceil(max(*counts, 1) / 4))
    figure.update_layout(height=250, margin={"l": 0, "r": 0, "t": 26, "b": 0}, bargap=0)
    return figure
