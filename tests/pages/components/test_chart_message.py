"""What the live chart sends: everything once, then only what is new."""

import base64

import numpy as np
import pytest

from pages.components.charts.chart_message import (
    MAX_POINTS,
    REPEATED,
    Mark,
    Panel,
    Trace,
    mark_positions,
    next_message,
)


def panels(count: int, *, y: np.ndarray | None = None) -> list[Panel]:
    step = np.arange(1, count + 1)
    values = np.linspace(0, 1, 100_000)[:count] if y is None else y
    return [Panel("format", [Trace("train", {"step": step, "tokens": step * 10.0}, values)])]


def numbers(text: str, dtype: str = "<f8") -> list[float]:
    return np.frombuffer(base64.b64decode(text), dtype).tolist()


def test_the_first_message_holds_everything_and_the_next_only_the_new_points() -> None:
    first, delivery = next_message(panels(3), "step", None)
    assert first["panels"][0]["title"] == "format"
    assert numbers(first["chunks"][0]["x"]) == [1, 2, 3]
    second, delivery = next_message(panels(5), "step", delivery)
    assert second["panels"] is None
    assert second["generation"] == first["generation"]
    (chunk,) = second["chunks"]
    assert (chunk["from"], chunk["to"], numbers(chunk["x"])) == (3, 5, [4, 5])


def test_a_message_that_a_busy_browser_passed_over_leaves_no_gap() -> None:
    _, delivery = next_message(panels(3), "step", None)
    starts = []
    for count in range(4, 12):
        message, delivery = next_message(panels(count), "step", delivery)
        (chunk,) = message["chunks"]
        assert chunk["to"] == count
        starts.append(chunk["from"])
    assert starts == [3, 3, 3, 3, 3, 4, 5, 6]  # the points of REPEATED messages, never all
    for _ in range(REPEATED):
        message, delivery = next_message(panels(11), "step", delivery)
    assert message["chunks"] == []  # nothing came: nothing is left to repeat


@pytest.mark.parametrize(
    "changed",
    [
        (panels(4, y=np.array([0, 0, 9.0, 0])), "step"),  # the last point sent has another value
        (panels(2), "step"),  # the run was taken back to an earlier step
        (panels(3), "tokens"),
        ([*panels(3), Panel("equation", [])], "step"),
    ],
    ids=["rewritten", "shorter", "axis", "panel"],
)
def test_anything_but_growth_sends_everything_again(changed: tuple[list[Panel], str]) -> None:
    first, delivery = next_message(panels(3), "step", None)
    message, _ = next_message(*changed, delivery)
    assert message["generation"] != first["generation"]
    assert message["panels"] is not None
    assert message["chunks"][0]["from"] == 0


def test_an_unmeasured_point_travels_as_nan_and_does_not_look_rewritten() -> None:
    y = np.array([1.0, np.nan])
    first, delivery = next_message(panels(2, y=y), "step", None)
    assert np.isnan(numbers(first["chunks"][0]["y"], "<f4")[1])
    second, _ = next_message(panels(2, y=y), "step", delivery)
    assert second["panels"] is None and second["chunks"] == []


def test_a_long_curve_is_thinned_and_thinned_again_once_it_has_doubled() -> None:
    first, delivery = next_message(panels(20_000), "tokens", None)
    (chunk,) = first["chunks"]
    x, step, index = (numbers(chunk[name]) for name in ("x", "step", "index"))
    assert len(x) == MAX_POINTS
    assert chunk["to"] == 20_000
    assert (step[0], step[-1]) == (1, 20_000)
    assert x == [10 * s for s in step]
    assert index == [s - 1 for s in step]
    second, delivery = next_message(panels(20_000 + MAX_POINTS), "tokens", delivery)
    assert second["panels"] is None
    third, _ = next_message(panels(20_001 + MAX_POINTS), "tokens", delivery)
    assert third["panels"] is not None
    assert len(numbers(third["chunks"][0]["x"])) == MAX_POINTS


def test_marks_stand_at_their_step_on_every_axis() -> None:
    marks = [Mark(2, "step 2"), Mark(4, "best")]
    assert [m["x"] for m in mark_positions(marks, panels(5), "step")] == [2, 4]
    assert [m["x"] for m in mark_positions(marks, panels(5), "tokens")] == [20, 40]
    assert mark_positions(marks, panels(0), "tokens") == []


def test_a_trace_without_steps_or_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="no x\\['step'\\]"):
        Trace("train", {"time": np.arange(2)}, np.arange(2))
    with pytest.raises(ValueError, match="y has 3 points"):
        Trace("train", {"step": np.arange(2)}, np.arange(3))
