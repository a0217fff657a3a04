"""A preflight's figures and warnings as HTML. Names and messages are untrusted: all are escaped.

Knows no Streamlit: `preflight_verdict.py` puts the result on the page.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from rft_core.diagnosis.preflight.forecast import StepTime
from rft_core.diagnosis.preflight.intervals import Prediction
from rft_core.types import Problem

EVEN = 0.05  # sides of an interval that differ by less are written as one ±


@dataclass(frozen=True)
class Figure:
    """One card. `interval` and `note` may be empty; `track` is markup of this file's own."""

    name: str
    value: str
    interval: str = ""
    note: str = ""
    help: str = ""
    track: str = ""


def make_figure(name: str, prediction: Prediction, help: str, style: str = "{:.2f}") -> Figure:
    """Value, ± and track of something that is predicted. `style` formats a number."""
    low, high = (style.format(end) for end in (prediction.low, prediction.high))
    below, above = prediction.expected - prediction.low, prediction.high - prediction.expected
    even = abs(below - above) <= EVEN * (prediction.high - prediction.low)
    return Figure(
        name,
        style.format(prediction.expected),
        f"± {style.format(prediction.half_width)}" if even else "",
        f"{low} to {high}",
        help,
        _track(prediction),
    )


def figures_html(figures: Iterable[Figure]) -> str:
    return f'<div class="pf-figures">{"".join(map(_figure, figures))}</div>'


def warnings_html(warnings: Iterable[Problem]) -> str:
    """Each with its cause, and below an arrow what to do."""
    return f'<div class="pf-warnings">{"".join(map(_warning, warnings))}</div>'


def time_figure(time: StepTime) -> Figure:
    """Seconds of a step, and their parts side by side."""
    parts = [("sampling", time.sampling), ("scoring", time.scoring), ("update", time.update)]
    known = [(name, seconds) for name, seconds in parts if seconds is not None]
    total = sum(seconds for _, seconds in known)
    return Figure(
        "Time per step",
        f"≈ {_seconds(total)}",
        "" if time.update is not None else "and the update",
        " · ".join(f"{name} {_seconds(seconds)}" for name, seconds in known),
        "Sampling and scoring as measured here; the update is an estimate, of its order only.",
        _parts([seconds for _, seconds in known]),
    )


def _figure(figure: Figure) -> str:
    interval = f" <small>{escape(figure.interval)}</small>" if figure.interval else ""
    note = f'<span class="pf-note">{escape(figure.note)}</span>' if figure.note else ""
    return (
        f'<div class="pf-figure" title="{escape(figure.help)}">'
        f'<span class="pf-name">{escape(figure.name)}</span>'
        f'<span class="pf-value">{escape(figure.value)}{interval}</span>{figure.track}{note}</div>'
    )


def _warning(warning: Problem) -> str:
    fix = f'<div class="pf-fix"><span>{escape(warning.fix)}</span></div>' if warning.fix else ""
    return f'<div class="pf-warning {warning.severity}">{escape(warning.what)}{fix}</div>'


def _track(prediction: Prediction) -> str:
    """The interval as a bar, the expected value as a mark, within what is possible."""
    low, high = prediction.bounds
    span = (high - low) or 1.0
    start, mark, end = (
        min(max(100 * (value - low) / span, 0.0), 100.0)
        for value in (prediction.low, prediction.expected, prediction.high)
    )
    return (
        f'<div class="pf-track"><i style="left:{start:.1f}%;width:{end - start:.1f}%"></i>'
        f'<b style="left:{mark:.1f}%"></b></div>'
    )


def _parts(seconds: Sequence[float]) -> str:
    bars = "".join(f'<i style="flex:{max(part, 1e-9):.6f}"></i>' for part in seconds)
    return f'<div class="pf-track parts">{bars}</div>'


def _seconds(seconds: float) -> str:
    if seconds < 0.095:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.2g} s" if seconds < 9.5 else f"{seconds:,.0f} s"
