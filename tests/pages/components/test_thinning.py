"""Which points of a curve are drawn, and the average that is drawn over them."""

import numpy as np
import pytest

from pages.components.charts.smoothing import smooth
from pages.components.charts.thinning import share_points, thin


@pytest.mark.parametrize("count", [601, 1_199, 1_200, 15_625])
def test_every_stretch_keeps_its_lowest_and_its_highest_point(count: int) -> None:
    y = np.random.default_rng(count).normal(size=count)
    kept = thin(y, 600)
    assert len(kept) <= 600 and (np.diff(kept) > 0).all()
    assert (kept[0], kept[-1]) == (0, count - 1)
    width = -(-count // 299)
    for start in range(0, count, width):
        stretch = y[start : start + width]
        assert {start + stretch.argmin(), start + stretch.argmax()} <= set(kept)


def test_unmeasured_points_hide_no_spike_and_a_long_gap_stays_one() -> None:
    y = np.ones(10_000)
    y[::2] = np.nan
    y[4_001], y[5_000:6_000] = 9, np.nan
    kept = thin(y, 100)
    assert np.nanmax(y[kept]) == 9
    inside = kept[(kept > 5_300) & (kept < 5_700)]
    assert len(inside) and np.isnan(y[inside]).all()


def test_a_short_curve_is_drawn_whole() -> None:
    assert thin(np.arange(600.0), 600).tolist() == list(range(600))
    assert thin(np.array([]), 600).tolist() == []


def test_short_curves_leave_their_share_to_the_long_ones() -> None:
    assert share_points([20_000, 10, 20_000, 0], 1_010, 600) == [500, 10, 500, 0]
    assert share_points([20_000, 10], 100_000, 600) == [600, 10]


def test_the_average_corrects_for_its_start_and_counts_a_gap_as_distance() -> None:
    y = np.array([1, 3, np.nan, 7])
    # Weights 0.5, 0.25 of the newest and the one before, divided by their sum; the gap of one
    # unmeasured point counts as distance: 7 weighs 0.75 of what is left after decay 0.25.
    second = (0.5 * 3 + 0.25 * 1) / 0.75
    fourth = (0.25 * 0.75 * second + 0.75 * 7) / (0.25 * 0.75 + 0.75)
    assert smooth(y, 0.5) == pytest.approx([1, second, np.nan, fourth], nan_ok=True)
    assert smooth(y, 0.0) == pytest.approx(y, nan_ok=True)


@pytest.mark.parametrize("weight", [0.3, 0.6, 0.99])
def test_the_average_goes_on_from_any_point_as_if_it_had_seen_all(weight: float) -> None:
    y = np.random.default_rng(0).normal(size=5_000)
    assert smooth(y, weight, 4_900) == pytest.approx(smooth(y, weight)[4_900:], abs=1e-7)
