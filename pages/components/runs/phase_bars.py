"""Where a run's time goes: a bar of its phases for the newest steps, and one for the whole run."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from pages.components.durations import duration_text
from rft_core.store.phase_times import LEAST_SHARE, PHASES, PhaseTimes, name_phase

_STYLE = Path(__file__).resolve().parents[1] / "frontend" / "phase_bars.css"


def phase_bars_style() -> None:
    """Once per page that shows them."""
    st.html(_STYLE)


def phase_bars_html(times: Sequence[PhaseTimes]) -> str:
    """`times`: of the newest steps, and after it of the whole run where that is more."""
    names = [name_span(some, is_newest=some is not times[-1]) for some in times]
    of = f" <small>shares of the {names[0].lower()}</small>" if len(times) > 1 else ""
    return (
        f'<section class="ph"><div class="ph-title">Where the time goes{of}</div>'
        f"{''.join(map(_bar, names, times))}"
        f'<div class="ph-legend">{_legend(times[0])}</div></section>'
    )


def name_span(times: PhaseTimes, *, is_newest: bool) -> str:
    if times.last == 0:
        return "Before step 1"
    if is_newest:
        return f"Last {times.num_steps} steps"
    return "Whole run" if times.first <= 1 else f"Since step {times.first}"


def _bar(name: str, times: PhaseTimes) -> str:
    parts = "".join(
        f'<i class="ph-{_kind(phase)}" style="flex-grow:{times.share(phase):.4f}" '
        f'title="{_describe(phase, times)}"></i>'
        for phase in times.seconds
    )
    said = ", ".join(f"{_name(p)} {times.share(p):.0%}" for p in times.seconds)
    return (
        f'<span class="ph-name">{escape(name)}</span>'
        f'<span class="ph-bar" role="img" aria-label="{escape(f"{name}: {said}")}">{parts}</span>'
        f'<span class="ph-total">{_total(times)}</span>'
    )


def _total(times: PhaseTimes) -> str:
    total = duration_text(times.total) if times.total >= 10 else f"{times.total:.1f} s"
    return f"{total}, {_pace(times.total, times)}" if times.last else total


def _pace(seconds: float, times: PhaseTimes) -> str:
    each = seconds / max(times.num_steps, 1)
    if each >= 100:
        return f"{duration_text(each)} a step"
    return f"{each:.2g} s a step" if each >= 0.01 else "under 10 ms a step"


def _legend(times: PhaseTimes) -> str:
    return "".join(
        f'<span title="{_describe(phase, times)}"><i class="ph-{_kind(phase)}"></i>'
        f"{_name(phase)} <b>{times.share(phase):.0%}</b></span>"
        for phase in times.seconds
        if times.share(phase) >= LEAST_SHARE
    )


def _describe(phase: str, times: PhaseTimes) -> str:
    _, meaning = PHASES.get(phase, ("", ""))
    pace = f", {_pace(times.seconds[phase], times)}" if times.last else ""
    return escape(f"{_name(phase).capitalize()}: {times.share(phase):.1%}{pace}. {meaning}".strip())


def _name(phase: str) -> str:
    return escape(name_phase(phase))


def _kind(phase: str) -> str:
    """Its colour in the style sheet."""
    return phase.replace("_", "-") if phase in PHASES else "other"
