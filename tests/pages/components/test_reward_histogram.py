"""How rewards spread: bins in which every reward has one place, and bars that add up."""

from collections import Counter

import numpy as np

from pages.components.charts.makeup_figure import makeup_figure
from pages.components.charts.reward_histogram import choose_bins, histogram_figure
from rft_core.figures import Curve, Curves
from rft_core.store.summaries.reward_counts import StepWindow


def window(first: int, rewards: Counter[float | None]) -> StepWindow:
    return StepWindow(first, first, 1, rewards)


def test_few_values_have_a_bin_each_and_what_was_not_judged_stands_last() -> None:
    bins = choose_bins([window(1, Counter({0.0: 3, 1.0: 1, None: 2}))])
    assert [bin.label for bin in bins] == ["0", "1", "unscored"]


def test_every_reward_is_in_exactly_one_bin() -> None:
    rng = np.random.default_rng(0)
    rewards = [*rng.normal(size=500).tolist(), None]
    bins = choose_bins([window(1, Counter(rewards))])
    assert all(sum(bin.holds(reward) for bin in bins) == 1 for reward in rewards)


def test_the_parts_of_a_bar_add_up() -> None:
    windows = [window(1, Counter({0.0: 3, 1.0: 1})), window(2, Counter({1.0: 4}))]
    figure = histogram_figure(windows, choose_bins(windows))
    assert [list(bar.y) for bar in figure.data] == [[0.75, 0.0], [0.25, 1.0]]


def test_the_total_is_made_of_what_is_paid_for_alone() -> None:
    def curve(*values: float) -> Curve:
        step = np.arange(1, len(values) + 1)
        return Curve(step, step / 1.0, step, np.array(values))

    curves = Curves(
        by_key={
            ("train", f"rewards/{name}/mean"): curve(0.5, value)
            for name, value in (("right", 1.0), ("long", 0.25), ("watched", 1.0))
        }
    )
    figure = makeup_figure(curves, {"right": 2.0, "long": -1.0, "watched": 0.0, "later": 1.0})
    assert figure is not None
    drawn = {trace.name: (list(trace.y), trace.stackgroup) for trace in figure.data}
    assert drawn == {
        "2 × right": ([1.0, 2.0], "paid"), "-1 × long": ([-0.5, -0.25], "subtracted"),
    }  # fmt: skip
    assert makeup_figure(Curves(), {"right": 1.0}) is None
