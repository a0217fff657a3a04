"""What the doctor says of runs that learn from pairs: length alone, chosen answers that fall."""

import pytest

from rft_core.diagnosis.doctor.measures import WINDOW
from rft_core.figures import Curves
from tests.diagnosis.doctor.sick_curves import curves_of, findings


def held_out(accuracy: float, low: float, longer_wins: float, step: int = 40) -> Curves:
    values = {"accuracy": accuracy, "accuracy_low": low, "longer_wins": longer_wins}
    return curves_of({f"pairs/{name}": {step: value} for name, value in values.items()})


@pytest.mark.parametrize(("longer_wins", "rule"), [(0.8, "longer"), (0.2, "shorter")])
def test_a_judge_that_is_no_better_than_length_hears_it(longer_wins: float, rule: str) -> None:
    [finding] = findings(held_out(0.82, 0.75, longer_wins))
    assert (finding.kind, finding.title) == ("length", "It may judge by length alone")
    assert f"“the {rule} one wins” alone 80%" in finding.summary


def test_a_judge_that_beats_length_or_has_not_begun_hears_nothing() -> None:
    assert findings(held_out(0.9, 0.86, 0.6)) == []
    assert findings(held_out(0.5, 0.42, 0.6, step=0)) == []


def test_chosen_answers_that_fall_under_a_rising_margin_are_told() -> None:
    steps = 3 * WINDOW
    margin = [0.05 * step for step in range(steps)]
    falling = [-0.04 * step for step in range(steps)]
    [finding] = findings(curves_of(pairs__margin=margin, pairs__chosen=falling))
    assert (
        finding.kind == "chosen_falls" and "less likely than under the reference" in finding.summary
    )
    rising = [0.02 * step for step in range(steps)]
    assert findings(curves_of(pairs__margin=margin, pairs__chosen=rising)) == []
    assert findings(curves_of(pairs__margin=[0.0] * steps, pairs__chosen=falling)) == []
