"""The verdict on a dry run: one sentence, what the first step will record, what is wrong and why.

Which prompts teach, and keeping them, is `prompt_bands.py`'s.
"""

from collections.abc import Iterator
from pathlib import Path

import streamlit as st

from pages.components.dry_run.preflight_html import (
    Figure,
    figures_html,
    make_figure,
    time_figure,
    warnings_html,
)
from pages.components.page_header import plain
from rft_core.diagnosis.preflight.forecast import (
    FLAGGED,
    LENGTH,
    TRUNCATED,
    UNPARSABLE,
    Forecast,
    function_metric,
)
from rft_core.diagnosis.preflight.report import Preflight, describe_start

PREFLIGHT_STYLE = Path(__file__).resolve().parents[1] / "frontend" / "preflight.css"
TEACHING_HELP = "Groups whose rewards differ. Where all are equal, there is no gradient."
CUT_HELP = "Completions that reach the longest length: they have no end, and often no answer."
UNPARSABLE_HELP = "Completions without the form in which the rewards look for an answer."
FLAGGED_HELP = "Completions in which a trick was seen: a kernel never launched, endless repetition."
PERCENT = "{:.0%}"


def show_verdict(preflight: Preflight, *, comparable: bool) -> None:
    """One lone completion gets its scores but no verdict: there is no group to compare it with."""
    st.html(PREFLIGHT_STYLE)
    if comparable:
        show_headline(preflight)
    forecast = preflight.forecast
    if forecast:
        step = forecast.step
        st.markdown("**What the first training step will record**")
        st.html(figures_html(list_predicted(preflight, forecast)))
        st.caption(
            f"A step of {step.prompts} prompts x {step.num_generations} completions, other ones "
            "than these. In 19 of 20 cases it stays within the bars; more prompts shorten them."
        )
    else:
        st.html(figures_html(list_measured(preflight, comparable)))
    if not comparable:
        st.caption("With a single completion there is no group, and so no verdict on training.")
        return
    others = [warning for warning in preflight.warnings if warning is not preflight.gravest]
    if others:
        st.html(warnings_html(others))


def show_headline(preflight: Preflight) -> None:
    """Red, yellow or green, and the sentence to remember."""
    forecast = preflight.forecast
    if not preflight.can_learn:
        st.error(
            plain(preflight.verdict), title="Training cannot start like this",
            icon=":material/error:",
        )  # fmt: skip
    elif preflight.gravest:
        st.warning(
            plain(preflight.verdict), title="Training can start, but look at this",
            icon=":material/warning:",
        )  # fmt: skip
    else:
        text = _capital(describe_start(forecast)) if forecast else "Nothing speaks against it."
        st.success(plain(text), title="Training can start", icon=":material/check_circle:")


def list_predicted(preflight: Preflight, forecast: Forecast) -> Iterator[Figure]:
    predicted = forecast.predictions
    if forecast.reward:
        yield make_figure("Reward", forecast.reward, "Mean of the weighted sum.")
    for function in preflight.functions:
        if prediction := predicted.get(function_metric(function.name)):
            yield make_figure(function.name, prediction, "Mean score of this function.")
    yield _teaching_figure(forecast)
    if cut := predicted.get(TRUNCATED):
        yield make_figure("Cut off", cut, CUT_HELP, PERCENT)
    if lost := predicted.get(UNPARSABLE):
        yield make_figure("No answer to take", lost, UNPARSABLE_HELP, PERCENT)
    if (flagged := predicted.get(FLAGGED)) and flagged.expected:
        yield make_figure("Flagged", flagged, FLAGGED_HELP, PERCENT)
    if length := predicted.get(LENGTH):
        yield make_figure("Length, tokens", length, "Mean length of a completion.", "{:.0f}")
    if forecast.time.sampling is not None:
        yield time_figure(forecast.time)


def list_measured(preflight: Preflight, comparable: bool) -> Iterator[Figure]:
    """For a single prompt, which says nothing about a step of others."""
    mean = preflight.mean_reward
    yield Figure("Mean reward", "–" if mean is None else f"{mean:.3f}")
    for function in preflight.functions:
        shown = "–" if function.mean is None else f"{function.mean:.2f}"
        yield Figure(function.name, shown, help="Mean score")
    if comparable:
        teaches = "yes" if preflight.zero_variance < 1 else "no"
        yield Figure("The group teaches", teaches, help=TEACHING_HELP)
    if preflight.unparsable is not None:
        yield Figure("No answer to take", f"{preflight.unparsable:.0%}", help=UNPARSABLE_HELP)


def _teaching_figure(forecast: Forecast) -> Figure:
    figure = make_figure("Groups that teach", forecast.teaching, TEACHING_HELP, "{:.0f}")
    return Figure(
        figure.name,
        figure.value,
        f"of {forecast.step.prompts}",
        figure.note,
        figure.help,
        figure.track,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
