"""What a live chart sends to the browser: everything once, and from then on only new points.

A message is applied by absolute position ("points 120 to 125 of curve 3"), so the browser can
drop what it already holds, and can tell when something is missing and ask for all of it again. A
busy browser draws only the newest of the messages that wait for it: each repeats the points of a
few before it, so that passing one over leaves no gap.
Numbers travel as base64 of their little-endian bytes, which is smaller and faster than JSON and
keeps NaN. This file knows no Streamlit: `live_chart.py` mounts the component.
"""

import base64
import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from tsdownsample import MinMaxLTTBDownsampler

# A curve with more points is thinned when it is sent whole, and thinned again once the points
# appended since have doubled it.
MAX_POINTS = 5_000
REPEATED = 5  # messages before this one whose points it holds too

Kind = Literal["train", "validation", "truth", "other"]
Color = Literal["blue", "orange", "green", "violet", "red", "gray"]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Trace:
    """One curve. `x` maps an axis name to positions: "step" is required, others are optional.

    All arrays have one length. NaN in `y` is a point that was not measured. `color` overrides
    the colour that goes with the kind, e.g. to tell runs apart. Validation is drawn with points
    and never smoothed. `dashed`: what would have been, beside what was.
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


@dataclass(frozen=True)
class Delivery:
    """What the browser has been sent: enough to tell whether the next message may append."""

    signature: str
    generation: str
    x_axis: str
    ends: tuple[bytes, ...]  # the last point sent of each curve: rewritten history changes it
    drawn: tuple[int, ...]  # points the browser holds; fewer than counts for a thinned curve
    sent: tuple[tuple[int, ...], ...]  # points of each curve after each of the last messages

    @property
    def counts(self) -> tuple[int, ...]:
        return self.sent[-1]


def next_message(
    panels: Sequence[Panel], x_axis: str, delivered: Delivery | None
) -> tuple[dict[str, Any], Delivery]:
    """The message that brings a browser from `delivered` to `panels`, and what it will hold."""
    traces = [trace for panel in panels for trace in panel.traces]
    structure = _structure(panels)
    signature = hashlib.sha256(json.dumps(structure).encode()).hexdigest()[:16]
    counts = tuple(len(trace.y) for trace in traces)
    known = delivered if delivered and _may_append(delivered, signature, x_axis, traces) else None
    starts = known.sent[0] if known else (0,) * len(traces)
    chunks = [
        _chunk(i, trace, x_axis, start)
        for i, (trace, start) in enumerate(zip(traces, starts, strict=True))
        if len(trace.y) > start
    ]
    delivery = Delivery(
        signature=signature,
        generation=known.generation if known else uuid.uuid4().hex[:12],
        x_axis=x_axis,
        ends=tuple(_point(trace, x_axis, len(trace.y)) for trace in traces),
        drawn=_drawn(known, counts),
        sent=((*known.sent, counts) if known else (counts,))[-REPEATED:],
    )
    message = {
        "signature": signature,
        "generation": delivery.generation,
        "panels": None if known else structure,
        "chunks": chunks,
    }
    return message, delivery


def mark_positions(
    marks: Sequence[Mark], panels: Sequence[Panel], x_axis: str
) -> list[dict[str, Any]]:
    """Where each mark stands on the chosen axis: by its step along the longest curve."""
    if x_axis == "step":
        return [{"x": float(mark.step), "label": mark.label} for mark in marks]
    traces = [trace for panel in panels for trace in panel.traces if len(trace.y)]
    if not traces:
        return []
    longest = max(traces, key=lambda trace: len(trace.y))
    x = np.interp([mark.step for mark in marks], longest.x["step"], _positions(longest, x_axis))
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


def _may_append(delivered: Delivery, signature: str, x_axis: str, traces: Sequence[Trace]) -> bool:
    if delivered.signature != signature or delivered.x_axis != x_axis:
        return False
    return all(
        len(trace.y) >= count
        and _point(trace, x_axis, count) == end
        and drawn + len(trace.y) - count <= 2 * MAX_POINTS
        for trace, count, end, drawn in zip(
            traces, delivered.counts, delivered.ends, delivered.drawn, strict=True
        )
    )


def _drawn(known: Delivery | None, counts: tuple[int, ...]) -> tuple[int, ...]:
    """Points that the browser holds of each curve after a message that brings it to `counts`."""
    if known is None:
        return tuple(min(count, MAX_POINTS) for count in counts)
    return tuple(
        drawn + count - before
        for drawn, count, before in zip(known.drawn, counts, known.counts, strict=True)
    )


def _positions(trace: Trace, x_axis: str) -> Array:
    if x_axis not in trace.x:
        raise ValueError(f"Trace {trace.name!r} has no x[{x_axis!r}], only {sorted(trace.x)}.")
    return trace.x[x_axis]


def _point(trace: Trace, x_axis: str, count: int) -> bytes:
    """The bytes of the last of the first `count` points."""
    if count == 0:
        return b""
    return _bytes(_positions(trace, x_axis)[count - 1 : count], "<f8") + _bytes(
        trace.y[count - 1 : count], "<f4"
    )


def _chunk(index: int, trace: Trace, x_axis: str, start: int) -> dict[str, Any]:
    """Points `start` to the end of one curve; whole curves are thinned to MAX_POINTS."""
    x, y, step = _positions(trace, x_axis)[start:], trace.y[start:], trace.x["step"][start:]
    chunk: dict[str, Any] = {"trace": index, "from": start, "to": len(trace.y)}
    if start == 0 and len(y) > MAX_POINTS:
        kept = _thin(x, y)
        x, y, step = x[kept], y[kept], step[kept]
        chunk["index"] = _text(kept, "<f8")
    chunk |= {"x": _text(x, "<f8"), "y": _text(y, "<f4")}
    if x_axis != "step":
        chunk["step"] = _text(step, "<f8")
    return chunk


def _thin(x: Array, y: Array) -> Array:
    """Positions of the MAX_POINTS points that keep the curve's shape (MinMaxLTTB)."""
    values = np.ascontiguousarray(y, dtype=np.float64)
    at = np.ascontiguousarray(x, dtype=np.float64)
    return MinMaxLTTBDownsampler().downsample(at, values, n_out=MAX_POINTS)


def _bytes(values: Array, dtype: str) -> bytes:
    return np.ascontiguousarray(values, dtype=dtype).tobytes()


def _text(values: Array, dtype: str) -> str:
    return base64.b64encode(_bytes(values, dtype)).decode("ascii")
