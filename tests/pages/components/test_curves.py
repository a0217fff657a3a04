"""A run's curves as panels: what was not measured is a gap, and no value."""

import numpy as np
import pandas as pd

from pages.components.runs.curves import with_gaps
from rft_core.figures import Curve, Curves, extend_curves


def make_curves(**steps: list[int]) -> Curves:
    rows = [
        {"id": 1, "step": step, "split": "train", "name": name, "value": 1.0,
         "elapsed": 60.0 * step, "tokens": step}
        for name, measured in steps.items() for step in measured
    ]  # fmt: skip
    return extend_curves(Curves(), pd.DataFrame(rows))


def draw(curves: Curves, name: str) -> Curve:
    found = with_gaps(curves.get(name), curves)
    assert found is not None
    return found


def test_a_step_without_a_value_is_a_gap_between_its_neighbours() -> None:
    curves = make_curves(loss=[1, 2, 3, 4, 5], kl=[1, 2, 5])
    kl = draw(curves, "kl")
    assert list(kl.step) == [1, 2, 3, 4, 5] and list(kl.minutes[:2]) == [1.0, 2.0]
    assert list(np.isnan(kl.value)) == [False, False, True, True, False]
    assert draw(curves, "loss") is curves.get("loss")


def test_what_begins_later_or_is_measured_now_and_then_has_no_gaps() -> None:
    curves = make_curves(loss=list(range(1, 11)), kl=[6, 7, 8, 9, 10], cost=[2, 6, 10])
    assert list(draw(curves, "kl").step) == [6, 7, 8, 9, 10]
    assert list(draw(curves, "cost").step) == [2, 6, 10]


def test_what_is_measured_at_every_other_step_is_one_line() -> None:
    curves = make_curves(loss=list(range(1, 10)), reward=[1, 3, 5, 7, 9])
    assert list(draw(curves, "reward").step) == [1, 3, 5, 7, 9]
