"""Where the time goes, as HTML: the widths are the shares, and every span has its right name."""

import re

from pages.components.runs.phase_bars import phase_bars_html
from rft_core.store.phase_times import PhaseTimes

NEWEST = PhaseTimes(81, 100, {"sample": 10.0, "update": 29.9, "record": 0.1})
WHOLE = PhaseTimes(0, 100, {"sample": 60.0, "validate": 30.0, "update": 110.0})


def widths(html: str) -> list[tuple[str, float]]:
    found = re.findall(r'<i class="ph-([a-z-]+)" style="flex-grow:([0-9.]+)"', html)
    return [(kind, float(share)) for kind, share in found]


def test_a_long_run_shows_its_newest_steps_and_the_whole() -> None:
    html = phase_bars_html((NEWEST, WHOLE))
    assert widths(html) == [
        ("sample", 0.25), ("update", 0.7475), ("record", 0.0025),
        ("sample", 0.3), ("validate", 0.15), ("update", 0.55),
    ]  # fmt: skip
    assert "Last 20 steps" in html and "Whole run" in html
    assert "40 s, 2 s a step" in html and "3 min 20 s, 2 s a step" in html
    legend = html.partition("ph-legend")[2]
    assert "sampling <b>25%</b>" in legend and "update <b>75%</b>" in legend
    assert "recording" not in legend  # it cannot be seen


def test_a_short_run_has_one_bar_and_a_run_of_an_earlier_version_says_since_when() -> None:
    html = phase_bars_html((PhaseTimes(0, 3, {"update": 6.0}),))
    assert "Whole run" in html and "Last" not in html and "shares of" not in html
    assert "Since step 41" in phase_bars_html((PhaseTimes(41, 45, {"update": 6.0}),))
    before = phase_bars_html((PhaseTimes(0, 0, {"validate": 12.0}),))
    assert "Before step 1" in before and ">12 s<" in before and "a step" not in before


def test_a_phase_of_a_later_version_is_shown_as_text_and_never_as_markup() -> None:
    html = phase_bars_html((PhaseTimes(1, 2, {"<b>daydream": 1.0}),))
    assert widths(html) == [("other", 1.0)]
    assert "&lt;b&gt;daydream" in html and "<b>daydream" not in html
