"""Charts as inline SVG: every point within the picture, gaps, long lines, and constant ones."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from rft_core.export.report.curve_svg import (
    HEIGHT,
    MOST_POINTS,
    WIDTH,
    CurveLine,
    _label,
    draw_curves,
    make_ticks,
)


def line(values: list[float], name: str = "train") -> CurveLine:
    return CurveLine(name, np.arange(1, len(values) + 1), np.array(values, dtype=float))


def read_points(svg: str) -> list[list[tuple[float, float]]]:
    """Of every drawn line its pieces' points; the picture must be well-formed."""
    paths = [e for e in ElementTree.fromstring(svg).iter() if "line" in e.get("class", "").split()]
    return [
        [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.-]+) ([\d.-]+)", path.get("d", ""))]
        for path in paths
    ]


@pytest.mark.parametrize("values", [[0.0], [0.0, 1.0], [5.0] * 9, [1e9, -1e9], [1e-9, 2e-9, 3e-9]])
def test_every_point_lies_within_the_picture(values: list[float]) -> None:
    (points,) = read_points(draw_curves("reward", [line(values)]))
    assert len(points) == len(values)
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_what_rises_is_drawn_upwards_and_a_gap_is_a_gap() -> None:
    svg = draw_curves("reward", [line([0.0, float("nan"), 1.0, 2.0])])
    (points,) = read_points(svg)
    assert len(points) == 3 and points[0][1] > points[1][1] > points[2][1]
    assert svg.count("M44.0 ") == 1 and len(re.findall(r'd="M[^"]*M', svg)) == 1


def test_a_long_line_is_its_mean_in_a_band_that_holds_every_extreme() -> None:
    values = np.zeros(10_000)
    values[5_000] = 9.0
    svg = draw_curves("reward", [CurveLine("train", np.arange(10_000), values)])
    (points,) = read_points(svg)
    assert len(points) <= MOST_POINTS and len(svg) < 20_000
    outline = re.search(r'points="([^"]+)"', svg)
    assert outline
    heights = [float(pair.split(",")[1]) for pair in outline[1].split()]
    assert min(heights) < min(y for _, y in points) - 10, "the spike is in the band alone"


def test_a_constant_has_an_axis_that_a_person_can_read() -> None:
    svg = draw_curves("format", [line([0.5, 0.5 + 1e-16, 0.5])])
    labels = re.findall(r'class="y">([^<]+)<', svg)
    assert labels and all(len(label) <= 5 for label in labels)


def test_nothing_measured_draws_nothing_and_names_are_escaped() -> None:
    assert draw_curves("reward", [line([float("nan")])]) == ""
    assert "<b>" not in draw_curves("<b>", [line([1.0, 2.0])])


@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (-3, 7), (0.001, 0.0013), (0, 123_456), (10_000, 20_000), (0, 3e-4), (0, 2e7)],
)
def test_ticks_are_few_and_within_the_bounds(low: float, high: float) -> None:
    ticks = make_ticks(low, high)
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    assert len({_label(tick) for tick in ticks}) == len(ticks), "no two are called the same"
