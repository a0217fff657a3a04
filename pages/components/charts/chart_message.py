"""What a live chart sends to the browser that asks: everything, or what it has not drawn yet.

The browser says in each question how many points of each curve it has drawn, so nothing is sent
twice and nothing before it can be used. Long curves are thinned to what a small panel can show, and
the stretch that is zoomed in to is thinned on its own: whoever looks closer gets more.
A very long curve is drawn as a mean in a band from its lowest to its highest.
Numbers travel as their little-endian bytes behind a JSON header, which is smaller and faster than
JSON and keeps NaN. This file knows no Streamlit and no HTTP: see `chart_feed.py`.
"""

import json
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pages.components.charts.smoothing import smooth, stretch_mean
from pages.components.charts.thinning import share_points, thin
from rft_core.csv_text import csv_row

MOST_POINTS = 600  # of a curve: two for each pixel of a panel, its lowest and its highest
LONGEST_LINE = 1_000  # points of a curve; more are a solid block on a panel
MOST_BYTES = 84_000  # of all points of a message; names and explanations come on top

Kind = Literal["train", "validation", "truth", "other"]
Color = Literal["blue", "orange", "green", "violet", "red", "gray"]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve. `x` maps an axis name to positions: "step" is required, others are optional.

    All arrays have one length. NaN in `y` is a point that was not measured. `color` overrides
    the colour that goes with the kind, e.g. to tell runs apart. Validation is drawn with points
    while they are few, and never smoothed. `dashed`: what would have been, beside what was.
    """

    name: str
    x: Mapping[str, Array]
    y: Array
    kind: Kind = "train"
    color: Color | None = None
    dashed: bool = False

    def __post_init__(self) -> None:
        if "step" not in self.x:
            raise ValueError(f"Trace {self.name!r} has no x['step']: add the step of each point.")
        lengths = {axis: len(values) for axis, values in self.x.items()}
        if any(length != len(self.y) for length in lengths.values()):
            raise ValueError(f"Trace {self.name!r}: y has {len(self.y)} points, x has {lengths}.")


@dataclass(frozen=True, eq=False)
class Panel:
    """One small chart: its title, its curves, and a sentence that explains the measure."""

    title: str
    traces: Sequence[Trace] = field(default_factory=tuple)
    help: str = ""


@dataclass(frozen=True)
class Mark:
    """A vertical line in every panel, such as a checkpoint."""

    step: int
    label: str


@dataclass(frozen=True, eq=False)
class Edition:
    """The panels at one moment. `generation` is another one where they did not simply grow."""

    generation: str
    number: int
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Question:
    """What a browser wants to see (`zoom`: from, to on the x axis), and what it has drawn.

    `counts` are points of each curve that it knows of, in `generation`; without them, it knows
    none. Points are counted before thinning.
    """

    axis: str = "step"
    smoothing: float = 0.0
    zoom: tuple[float, float] | None = None
    generation: str = ""
    counts: tuple[int, ...] = ()


def join_marks(marks: Iterable[Mark]) -> list[Mark]:
    """In the order of steps; those of one step are one, or their labels would hide each other."""
    labels: dict[int, list[str]] = {}
    for mark in sorted(marks, key=lambda mark: mark.step):
        labels.setdefault(mark.step, []).append(mark.label)
    return [Mark(step, " · ".join(found)) for step, found in labels.items()]


def list_traces(panels: Sequence[Panel]) -> list[Trace]:
    return [trace for panel in panels for trace in panel.traces]


def has_grown(old: Sequence[Panel], new: Sequence[Panel]) -> bool:
    """Whether `new` are the panels of `old` with more points, or with the same."""
    if _structure(old) != _structure(new):
        return False
    begins = dict[tuple[int, int], bool]()  # curves share their steps: compared once
    for shorter, longer in zip(list_traces(old), list_traces(new), strict=True):
        before, after = shorter.x["step"], longer.x["step"]
        steps = (id(before), id(after))
        if steps not in begins:
            begins[steps] = _begins_with(after, before)
        if not begins[steps] or longer.x.keys() != shorter.x.keys():
            return False
        if not _begins_with(longer.y, shorter.y):
            return False
    return True


def make_message(edition: Edition, question: Question) -> bytes:
    """The answer; raises `ValueError` for an axis that a curve has not.

    It begins with the length of its header (4 bytes), a JSON object: `panels` (None where what the
    browser has is only added to) and `curves`, which say how many points follow of each; then, for
    one curve after the other, steps (int32), positions on the axis where it is not the step
    (float64), values and, where `smoothed`, averages (float32). `banded`: the values are the edges
    of a band around the averages.
    """
    traces = list_traces(edition.panels)
    adds = _may_add(edition, question)
    starts = question.counts if adds else (0,) * len(traces)
    kept = _kept(traces, starts, question)
    header: dict[str, Any] = {
        "generation": edition.generation,
        "number": edition.number,
        "panels": None if adds else _structure(edition.panels),
        "thinned": any(
            len(at) < len(trace.y) - start
            for at, trace, start in zip(kept, traces, starts, strict=True)
        ),
        "curves": [],
    }
    body = []
    for i, (trace, start, at) in enumerate(zip(traces, starts, kept, strict=True)):
        if len(trace.y) > start:
            smoothed = _is_smoothed(trace, question)
            header["curves"].append(
                {
                    "trace": i,
                    "to": len(trace.y),
                    "points": len(at),
                    "smoothed": smoothed,
                    "banded": _is_long(trace, len(trace.y)),
                }
            )
            body.append(_curve_bytes(trace, at, question, start))
    text = json.dumps(header).encode()
    return b"".join([struct.pack("<I", len(text)), text, *body])


def mark_positions(
    marks: Sequence[Mark], panels: Sequence[Panel], x_axis: str
) -> list[dict[str, Any]]:
    """Where each mark stands on the chosen axis: by its step along the longest curve."""
    if x_axis == "step":
        return [{"x": float(mark.step), "label": mark.label} for mark in marks]
    traces = [trace for trace in list_traces(panels) if len(trace.y)]
    if not traces:
        return []
    longest = max(traces, key=lambda trace: len(trace.y))
    x = np.interp([mark.step for mark in marks], longest.x["step"], positions(longest, x_axis))
    return [{"x": float(at), "label": mark.label} for at, mark in zip(x, marks, strict=True)]


def _structure(panels: Sequence[Panel]) -> list[dict[str, Any]]:
    return [
        {
            "title": panel.title,
            "help": panel.help,
            "traces": [
                {
                    "name": trace.name,
                    "kind": trace.kind,
                    "color": trace.color,
                    "dashed": trace.dashed,
                }
                for trace in panel.traces
            ],
        }
        for panel in panels
    ]


def _begins_with(values: Array, start: Array) -> bool:
    if values is start:
        return True
    same = len(values) >= len(start)
    return same and np.array_equal(values[: len(start)], start, equal_nan=True)


def _may_add(edition: Edition, question: Question) -> bool:
    """Whether the browser holds the beginning, and no more than a few points are missing."""
    traces = list_traces(edition.panels)
    if question.generation != edition.generation or len(question.counts) != len(traces):
        return False
    return all(
        0 <= count <= len(trace.y) <= count + MOST_POINTS
        and _is_long(trace, count) == _is_long(trace, len(trace.y))
        for trace, count in zip(traces, question.counts, strict=True)
    )


def _is_long(trace: Trace, count: int) -> bool:
    """Whether so many points of it are a solid block, and no line."""
    return count > LONGEST_LINE and trace.kind != "validation"


def _is_smoothed(trace: Trace, question: Question) -> bool:
    """A long curve has a mean in any case."""
    is_asked = question.smoothing > 0 and trace.kind != "validation"
    return is_asked or _is_long(trace, len(trace.y))


def _kept(traces: Sequence[Trace], starts: Sequence[int], question: Question) -> list[Array]:
    """Positions of the points that are sent of each curve."""
    lengths = [len(trace.y) - start for trace, start in zip(traces, starts, strict=True)]
    averaged = any(_is_smoothed(trace, question) for trace in traces)
    size = (4 if question.axis == "step" else 12) + (8 if averaged else 4)
    shares = share_points(lengths, MOST_BYTES // size, MOST_POINTS)
    kept = []
    for trace, start, share in zip(traces, starts, shares, strict=True):
        at = start + thin(trace.y[start:], share)
        if question.zoom and len(at) < len(trace.y) - start:
            x = positions(trace, question.axis)
            low = max(start, int(np.searchsorted(x, question.zoom[0])) - 1)
            high = int(np.searchsorted(x, question.zoom[1], "right")) + 1
            at = np.union1d(at, low + thin(trace.y[low:high], share))
        kept.append(at)
    return kept


def positions(trace: Trace, x_axis: str) -> Array:
    """Raises `ValueError` for an axis that the curve has not."""
    if x_axis not in trace.x:
        raise ValueError(f"Trace {trace.name!r} has no x[{x_axis!r}], only {sorted(trace.x)}.")
    return trace.x[x_axis]


def _curve_bytes(trace: Trace, at: Array, question: Question, start: int) -> bytes:
    parts = [_bytes(trace.x["step"][at], "<i4")]
    if question.axis != "step":
        parts.append(_bytes(positions(trace, question.axis)[at], "<f8"))
    parts.append(_bytes(trace.y[at], "<f4"))
    if _is_smoothed(trace, question):
        average = _average(trace, question.smoothing, start)
        parts.append(_bytes(average[at - start], "<f4"))
    return b"".join(parts)


def _average(trace: Trace, smoothing: float, start: int) -> Array:
    """As asked; unasked, over what one pixel stands for."""
    if smoothing > 0:
        return smooth(trace.y, smoothing, start)
    return stretch_mean(trace.y, 2 * -(-len(trace.y) // MOST_POINTS), start)


def panel_csv(panel: Panel) -> Iterator[str]:
    """All points of a panel, line by line: a curve's name, its step and other axes, its value."""
    axes = list(dict.fromkeys(axis for trace in panel.traces for axis in trace.x))
    yield csv_row(["curve", *axes, panel.title])
    for trace in panel.traces:
        for at in np.flatnonzero(np.isfinite(trace.y)):
            where = [trace.x[axis][at].item() if axis in trace.x else "" for axis in axes]
            yield csv_row([trace.name, *where, trace.y[at].item()])


def _bytes(values: Array, dtype: str) -> bytes:
    return np.ascontiguousarray(values, dtype=dtype).tobytes()
