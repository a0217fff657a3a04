"""Runs compared from what is stored: evaluations first, shared validation rows meanwhile."""

from pathlib import Path

import numpy as np
import pytest

from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.comparison.overlay import make_band
from rft_core.evaluation.comparison.run_comparison import compare_runs
from rft_core.figures import Curve
from rft_core.statistics import mcnemar_exact
from rft_core.store.index import open_index
from tests.compared_runs import write_evaluation, write_two_runs

#           0    1    2    3    4    5    6
ONE = ("A", "A", "A", "b", "b", "b", "A")
TWO = ("A", "b", "b", "A", "b", "b", "?")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    write_two_runs(folder)
    return folder


def test_without_an_evaluation_the_validation_rows_of_both_serve(stored: Path) -> None:
    found = compare_runs(stored, ["one", "two"])
    (pair,) = found.pairs
    assert {one.name for one in found.settings} == {"learning_rate", "seed", "reward_set"}
    assert [(part.name, part.fate) for part in pair.rewards] == [("brevity", "changed")]
    assert pair.outcome and pair.outcome.joined.source == "validation"
    assert pair.outcome.joined.steps == (20, 20) and len(pair.outcome.joined.rows) == 6
    assert "looked at during training" in pair.outcome.joined.about
    assert found.evaluate == "", "neither has an adapter that could be evaluated"


def test_an_evaluation_of_both_comes_first_and_is_joined_by_row(stored: Path) -> None:
    write_evaluation(stored, one=ONE, two=TWO)
    document = compare_runs(stored, ["one", "two"]).to_json()
    assert document["config"]["learning_rate"][1] == 0.003
    turned = {k: [c["row"]["n"] for c in document[k]] for k in (
        "regressions", "improvements", "persistent_failures",
    )}  # fmt: skip
    assert turned == {
        "regressions": [1, 2], "improvements": [3], "persistent_failures": [4, 5],
    }  # fmt: skip
    assert document["p_value"] == mcnemar_exact(1, 2)
    assert document["regressions"][0]["before"] == "<answer>a</answer>"
    assert document["pairs"][0]["n"] == 6, "what nobody could judge of one counts for neither"


def test_the_other_way_round_what_got_better_got_worse(tmp_path: Path) -> None:
    write_two_runs(tmp_path, steps=1)
    write_evaluation(tmp_path, one=ONE)
    write_evaluation(tmp_path, two=TWO)
    there, back = (compare_runs(tmp_path, ids).to_json() for ids in (["one", "two"],
                                                                     ["two", "one"]))  # fmt: skip
    assert [c["row_id"] for c in there["regressions"]] == [
        c["row_id"] for c in back["improvements"]
    ]
    assert len(there["regressions"]) == 2, "runs of two evaluations meet where their rows do"


def test_rows_judged_in_another_way_are_not_joined(tmp_path: Path) -> None:
    write_two_runs(tmp_path, steps=1)
    write_evaluation(tmp_path, one=ONE)
    write_evaluation(tmp_path, two=TWO)
    with open_index(tmp_path) as index:
        index.execute("UPDATE evaluations SET judge = 'other' WHERE run = 'two'")
    (pair,) = compare_runs(tmp_path, ["one", "two"]).pairs
    assert pair.outcome is None and "judged in the same way" in pair.why_not


def test_one_run_alone_or_one_that_is_not_there_is_refused(stored: Path) -> None:
    with pytest.raises(BadInputError, match="needs two runs"):
        compare_runs(stored, ["one", "one"])
    with pytest.raises(NotFoundError, match="no run 'none'"):
        compare_runs(stored, ["one", "none"])


def test_seeds_become_a_mean_and_the_band_that_they_span() -> None:
    def curve(steps: list[int], values: list[float]) -> Curve:
        at = np.array(steps)
        return Curve(at, at / 60, at, np.array(values))

    band = make_band([curve([1, 2, 3], [0.0, 1.0, 2.0]), curve([2, 3, 4], [3.0, 2.0, 9.0])])
    assert band is not None and band.step.tolist() == [2, 3]
    assert band.mean.tolist() == [2.0, 2.0]
    assert (band.low.tolist(), band.high.tolist()) == ([1.0, 2.0], [3.0, 2.0])
    assert make_band([]) is None and make_band([curve([1], [0.0]), curve([2], [0.0])]) is None
