"""What the live chart sends: what the browser has not drawn, thinned to what can be seen."""

import json
import struct
from typing import Any

import numpy as np
import pytest

from pages.components.charts.chart_message import (
    LONGEST_LINE,
    MOST_POINTS,
    Edition,
    Mark,
    Panel,
    Question,
    Trace,
    has_grown,
    join_marks,
    make_message,
    mark_positions,
    panel_csv,
)


def panels(count: int, *, y: np.ndarray | None = None) -> list[Panel]:
    step = np.arange(1, count + 1)
    values = np.linspace(0, 1, 100_000)[:count] if y is None else y
    return [Panel("format", [Trace("train", {"step": step, "tokens": step * 10.0}, values)])]


def ask(shown: list[Panel], **question: Any) -> dict[str, Any]:
    """The answer to a browser, decoded: the header, and in its curves what follows it."""
    asked = Question(**question)
    message = make_message(Edition("g", 1, shown), asked)
    (size,) = struct.unpack_from("<I", message)
    header: dict[str, Any] = json.loads(message[4 : 4 + size])
    at = 4 + size

    def take(dtype: str, points: int) -> list[float]:
        nonlocal at
        values = np.frombuffer(message, dtype, points, at)
        at += values.nbytes
        return values.tolist()

    for curve in header["curves"]:
        points = curve["points"]
        curve["step"] = take("<i4", points)
        curve["x"] = curve["step"] if asked.axis == "step" else take("<f8", points)
        curve["y"] = take("<f4", points)
        curve["smooth"] = take("<f4", points) if curve["smoothed"] else curve["y"]
    assert at == len(message)
    return header


def test_who_holds_nothing_gets_everything_and_who_holds_some_gets_the_rest() -> None:
    first = ask(panels(3))
    assert first["panels"][0]["title"] == "format"
    assert first["curves"][0]["x"] == [1, 2, 3]
    for count in (3, 4):
        rest = ask(panels(5), generation="g", counts=(count,))
        assert rest["panels"] is None
        (curve,) = rest["curves"]
        assert (curve["to"], curve["x"]) == (5, list(range(count + 1, 6)))
    assert ask(panels(5), generation="g", counts=(5,))["curves"] == []


@pytest.mark.parametrize(
    ("generation", "counts"),
    [("older", (3,)), ("g", (6,)), ("g", (3, 3)), ("g", (-1,)), ("g", ())],
)
def test_who_does_not_hold_the_beginning_gets_everything(
    generation: str, counts: tuple[int, ...]
) -> None:
    answer = ask(panels(5), generation=generation, counts=counts)
    assert answer["panels"] is not None and answer["curves"][0]["x"] == [1, 2, 3, 4, 5]


def test_who_has_slept_through_many_steps_gets_a_thinned_whole() -> None:
    assert ask(panels(MOST_POINTS + 3), generation="g", counts=(3,))["panels"] is None
    answer = ask(panels(MOST_POINTS + 4), generation="g", counts=(3,))
    assert answer["panels"] is not None
    assert len(answer["curves"][0]["x"]) <= MOST_POINTS


@pytest.mark.parametrize(
    ("changed", "grows"),
    [
        (panels(3), True),
        (panels(4), True),
        (panels(4, y=np.array([0, 9.0, 2e-5, 0])), False),  # a point has another value
        (panels(2), False),  # the run was taken back to an earlier step
        ([*panels(3), Panel("equation", [])], False),
    ],
    ids=["same", "longer", "rewritten", "shorter", "panel"],
)
def test_only_more_points_are_growth(changed: list[Panel], grows: bool) -> None:
    assert has_grown(panels(3), changed) is grows


def test_an_unmeasured_point_travels_as_nan_and_does_not_look_rewritten() -> None:
    gap = panels(2, y=np.array([1.0, np.nan]))
    assert np.isnan(ask(gap)["curves"][0]["y"][1])
    assert has_grown(gap, panels(2, y=np.array([1.0, np.nan])))


def test_a_long_curve_keeps_its_ends_and_its_spikes_on_every_axis() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    y[7_777], y[12_345] = 50, -50
    answer = ask(panels(20_000, y=y), axis="tokens")
    (curve,) = answer["curves"]
    assert answer["thinned"] and curve["to"] == 20_000
    assert MOST_POINTS * 0.9 < curve["points"] <= MOST_POINTS
    assert (curve["step"][0], curve["step"][-1]) == (1, 20_000)
    assert curve["x"] == [10 * step for step in curve["step"]]
    assert curve["y"] == y[np.array(curve["step"]) - 1].astype(np.float32).tolist()
    assert {7_778, 12_346} < set(curve["step"])


def test_where_is_zoomed_in_to_all_points_come() -> None:
    answer = ask(panels(20_000), axis="tokens", zoom=(100_000.0, 101_000.0))
    steps = np.array(answer["curves"][0]["step"])
    assert set(range(10_000, 10_101)) < set(steps.tolist())
    assert len(steps) < MOST_POINTS + 110 and steps[0] == 1 and steps[-1] == 20_000
    assert (np.diff(steps) > 0).all()


def test_the_average_of_a_thinned_curve_is_that_of_all_its_points() -> None:
    y = np.random.default_rng(0).normal(size=20_000)
    (thinned,) = ask(panels(20_000, y=y), smoothing=0.9)["curves"]
    average, expected = 0.0, []
    for i, value in enumerate(y):
        average = 0.9 * average + 0.1 * value
        expected.append(average / (1 - 0.9 ** (i + 1)))
    at = np.array(thinned["step"]) - 1
    assert thinned["smooth"] == pytest.approx(np.array(expected)[at], abs=1e-6)
    added = ask(panels(20_000, y=y), smoothing=0.9, generation="g", counts=(19_990,))
    assert added["curves"][0]["smooth"] == pytest.approx(expected[-10:], abs=1e-6)


def test_a_long_curve_has_a_mean_unasked_and_a_short_one_and_a_validation_have_none() -> None:
    y = np.random.default_rng(0).normal(5, 1, size=20_000)
    (long,) = ask(panels(20_000, y=y))["curves"]
    assert long["banded"] and long["smoothed"]
    assert np.std(long["smooth"]) < 0.2 < np.std(long["y"])
    (added,) = ask(panels(20_000, y=y), generation="g", counts=(19_990,))["curves"]
    assert added["smooth"][:5] == pytest.approx(
        [y[max(0, at - 34) : at + 34].mean() for at in range(19_990, 19_995)], abs=0.2
    )
    (short,) = ask(panels(LONGEST_LINE))["curves"]
    assert not short["banded"] and not short["smoothed"]
    step = np.arange(1, 2_001)
    (measured,) = ask([Panel("p", [Trace("v", {"step": step}, y[:2_000], "validation")])])["curves"]
    assert not measured["banded"]


def test_a_curve_that_becomes_long_is_sent_whole() -> None:
    answer = ask(panels(LONGEST_LINE + 1), generation="g", counts=(LONGEST_LINE,))
    assert answer["panels"] is not None and answer["curves"][0]["banded"]


def test_a_panel_as_csv_has_all_points_of_all_curves_and_no_formula() -> None:
    step = np.array([1, 2, 3])
    traces = [
        Trace("train", {"step": step, "tokens": step * 10.0}, np.array([0.5, np.nan, 1.0])),
        Trace("=validation", {"step": step[:1]}, np.array([0.25]), "validation"),
    ]
    assert "".join(panel_csv(Panel("format", traces))).splitlines() == [
        "curve,step,tokens,format", "train,1,10.0,0.5", "train,3,30.0,1.0",
        "'=validation,1,,0.25",
    ]  # fmt: skip


def test_marks_stand_at_their_step_on_every_axis() -> None:
    marks = [Mark(2, "step 2"), Mark(4, "best")]
    assert [m["x"] for m in mark_positions(marks, panels(5), "step")] == [2, 4]
    assert [m["x"] for m in mark_positions(marks, panels(5), "tokens")] == [20, 40]
    assert mark_positions(marks, panels(0), "tokens") == []


def test_marks_of_one_step_are_one() -> None:
    marks = [Mark(4, "best"), Mark(2, "GRPO begins"), Mark(4, "ckpt 4")]
    assert join_marks(marks) == [Mark(2, "GRPO begins"), Mark(4, "best · ckpt 4")]


def test_an_axis_that_a_curve_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no x\[.weight.\]"):
        ask(panels(3), axis="weight")


def test_a_trace_without_steps_or_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="no x\\['step'\\]"):
        Trace("train", {"time": np.arange(2)}, np.arange(2))
    with pytest.raises(ValueError, match="y has 3 points"):
        Trace("train", {"step": np.arange(2)}, np.arange(3))
