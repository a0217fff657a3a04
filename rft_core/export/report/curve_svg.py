"""A small chart as inline SVG: lines, and of long ones the mean in the band of what it spans.

Pure: numbers in, markup out. Colours are classes, so that the page's theme decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rft_core.export.report.escaping import escape_text
from rft_core.figures import Array

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 8, 22  # pixels around the plot
MOST_POINTS = 160  # of a line; a longer one is drawn as stretches
FEW = 30  # points that are drawn as dots too
TICKS = 4


@dataclass(frozen=True, eq=False)
class CurveLine:
    """`name` is its class in the style, and what a legend calls it. NaN is a gap."""

    name: str
    x: Array
    y: Array


@dataclass(frozen=True)
class _PlotScale:
    """Where values lie in the picture."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x_low) / (self.x_high - self.x_low)
        up = (y - self.y_low) / (self.y_high - self.y_low)
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )


def draw_curves(title: str, lines: Sequence[CurveLine], marks: Sequence[float] = ()) -> str:
    """An `<svg>` with axes and a text for readers that see no picture. "" without a point.

    `marks`: steps at which a thin line stands, such as where a stage begins.
    """
    lines = [line for line in lines if np.isfinite(line.y).any()]
    if not lines:
        return ""
    scale = _fit(lines)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{_describe(title, lines)}">',
        *_draw_axes(scale),
        *(_draw_mark(scale, at) for at in marks if scale.x_low < at < scale.x_high),
        *(part for line in lines for part in _draw_line(scale, line)),
        "</svg>",
    ]
    return "".join(parts)


def make_ticks(low: float, high: float, count: int = TICKS) -> list[float]:
    """Round numbers within the bounds, about so many."""
    rough = (high - low) / max(count, 1)
    size = 10 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 5, 10) if m * size >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [at * step for at in range(first, last + 1)]


def _fit(lines: Sequence[CurveLine]) -> _PlotScale:
    """What holds all points; a line that never changes gets room above and below."""
    x = np.concatenate([line.x for line in lines]).astype(float)
    y = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    y_low, y_high = float(y.min()), float(y.max())
    if y_high - y_low <= 1e-6 * max(1.0, abs(y_high)):
        room = max(0.1, abs(y_high) / 10)
    else:
        room = (y_high - y_low) * 0.04
    x_low, x_high = float(x.min()), float(x.max())
    if x_low == x_high:
        x_low, x_high = x_low - 1, x_high + 1
    return _PlotScale(x_low, x_high, y_low - room, y_high + room)


def _draw_axes(scale: _PlotScale) -> list[str]:
    parts = []
    for value in make_ticks(scale.y_low, scale.y_high):
        _, y = scale.place(scale.x_low, value)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" class="y">{_label(value)}</text>')
    for value in make_ticks(scale.x_low, scale.x_high):
        x, _ = scale.place(value, scale.y_low)
        if value == round(value):
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 6}" class="x">{_label(value)}</text>')
    return parts


def _draw_mark(scale: _PlotScale, at: float) -> str:
    x, _ = scale.place(at, scale.y_low)
    return f'<path class="mark" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'


def _draw_line(scale: _PlotScale, line: CurveLine) -> list[str]:
    x, mean, low, high = _stretch(line)
    parts = []
    if len(x) < len(line.x):
        known = np.isfinite(mean)
        upper = [scale.place(a, b) for a, b in zip(x[known], high[known], strict=True)]
        lower = [scale.place(a, b) for a, b in zip(x[known], low[known], strict=True)]
        outline = " ".join(f"{a:.1f},{b:.1f}" for a, b in [*upper, *reversed(lower)])
        parts.append(f'<polygon class="band {escape_text(line.name)}" points="{outline}"/>')
    path, is_down = [], False
    for a, b in zip(x, mean, strict=True):
        if not math.isfinite(b):
            is_down = False
            continue
        at, up = scale.place(float(a), float(b))
        path.append(f"{'L' if is_down else 'M'}{at:.1f} {up:.1f}")
        is_down = True
        if len(line.x) <= FEW:
            dot = f'<circle class="{escape_text(line.name)}" cx="{at:.1f}" cy="{up:.1f}" r="2"/>'
            parts.append(dot)
    parts.append(f'<path class="line {escape_text(line.name)}" d="{"".join(path)}"/>')
    return parts


def _stretch(line: CurveLine) -> tuple[Array, Array, Array, Array]:
    """Positions, means, lowest and highest: of every point, or of even stretches of a long line."""
    x, y = np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float)
    if len(x) <= MOST_POINTS:
        return x, y, y, y
    width = math.ceil(len(x) / MOST_POINTS)
    short = -len(x) % width
    xs = np.append(x, np.full(short, np.nan)).reshape(-1, width)
    ys = np.append(y, np.full(short, np.nan)).reshape(-1, width)
    known = np.isfinite(ys)
    count = known.sum(axis=1)
    empty = count == 0
    filled = np.where(known, ys, 0.0).sum(axis=1) / np.maximum(count, 1)
    low = np.where(known, ys, np.inf).min(axis=1)
    high = np.where(known, ys, -np.inf).max(axis=1)
    gaps = [np.where(empty, np.nan, values) for values in (filled, low, high)]
    return np.nanmean(xs, axis=1), gaps[0], gaps[1], gaps[2]


def _label(value: float) -> str:
    if value == 0:
        return "0"
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= 10 * unit:
            return f"{value / unit:.4g}{name}"
    return f"{value:.4g}".replace("e-0", "e-")


def _describe(title: str, lines: Sequence[CurveLine]) -> str:
    said = [
        f"{line.name} from {known[0]:.3g} to {known[-1]:.3g}"
        for line in lines
        if len(known := line.y[np.isfinite(line.y)])
    ]
    return escape_text(f"{title}: {', '.join(said)}")
