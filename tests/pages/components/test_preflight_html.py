"""The preflight's cards: the interval where it belongs, and every text as text."""

import pytest

from pages.components.dry_run.preflight_html import (
    Figure,
    figures_html,
    make_figure,
    time_figure,
    warnings_html,
)
from pages.components.dry_run.prompt_bands import pass_band_figure
from rft_core.diagnosis.preflight.forecast import StepTime
from rft_core.diagnosis.preflight.intervals import Prediction
from rft_core.diagnosis.preflight.prompts import PassRates, PassRule
from rft_core.types import Problem

ATTACK = '"><img src=x onerror=alert(1)>'


def test_an_even_interval_is_one_number_and_an_uneven_one_is_its_ends() -> None:
    even = make_figure("f", Prediction(0.5, 0.3, 0.7), "")
    assert (even.value, even.interval, even.note) == ("0.50", "± 0.20", "0.30 to 0.70")
    uneven = make_figure("f", Prediction(0.1, 0.0, 0.7), "", "{:.0%}")
    assert (uneven.interval, uneven.note) == ("", "0% to 70%")


def test_the_bar_lies_within_what_is_possible() -> None:
    track = make_figure("f", Prediction(1.0, 0.5, 2.0, (0.0, 2.0)), "").track
    assert "left:25.0%;width:75.0%" in track and "left:50.0%" in track
    assert "left:0.0%" in make_figure("f", Prediction(3.0, 3.0, 3.0, (3.0, 3.0)), "").track


def test_time_shows_its_parts_and_what_is_not_known() -> None:
    known = time_figure(StepTime(0.5, 0.02, 1.0))
    assert known.value == "≈ 1.5 s"
    assert known.note == "sampling 0.5 s · scoring 20 ms · update 1 s"
    assert time_figure(StepTime(12.0, 0.0, None)).interval == "and the update"


@pytest.mark.parametrize("part", ["name", "value", "interval", "note", "help"])
def test_figures_are_escaped(part: str) -> None:
    assert "<img" not in figures_html([Figure(**{"name": "n", "value": "1", part: ATTACK})])


def test_warnings_are_escaped_and_their_cures_are_marked() -> None:
    html = warnings_html([Problem("k", "warning", "", ATTACK, ATTACK)])
    assert "<img" not in html and 'class="pf-fix"' in html
    assert "pf-fix" not in warnings_html([Problem("k", "info", "", "constant")])


def test_the_bands_are_counted_and_coloured() -> None:
    rates = PassRates(PassRule("f", 1.0), (0.0, 0.0, 0.5, 1.0, None))
    figure = pass_band_figure(rates, 4)
    assert list(figure.data[0].y) == [2, 0, 1, 0, 1]
    assert len(set(figure.data[0].marker.color)) == 3
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert texts == ["too hard · 2", "in between · 1", "too easy · 1"]
