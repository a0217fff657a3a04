"""The evaluation table: one row per model, its curves, its controls, and differences by pairs."""

from dataclasses import replace

import pytest

from rft_core.errors import BadInputError
from rft_core.evaluation.stated_answer import read_answer, read_stated_answer
from rft_core.evaluation.suite import compare_all, evaluate, list_values
from tests.evaluation.judged import write

KNOWS_A_QUARTER = write("base", *["AAAA" if at % 4 == 0 else "...." for at in range(40)])
KNOWS_HALF = write("run-1", *["AAAA" if at % 2 == 0 else "...." for at in range(40)])


def test_the_table_has_a_row_per_model_with_intervals_and_the_difference_to_the_base():
    base, tuned = evaluate("countdown", [KNOWS_A_QUARTER, KNOWS_HALF], extract_answer=read_answer)
    row = base.to_row()
    assert (row["model"], row["task"], row["n"], row["pass@1"]) == ("base", "countdown", 40, 0.25)
    assert row["ci"][0] < 0.25 < row["ci"][1]
    assert (row["pass@k"], row["maj@k"], row["truncated"]) == (0.25, 0.25, 0.75)
    assert row["tokens"] == 3.0 and row["seconds"] == 2.0
    assert "difference" not in row
    row = tuned.to_row()
    assert row["difference"] == pytest.approx(0.25)
    assert row["difference_ci"][0] > 0
    assert row["p_value"] < 0.01
    assert tuned.versus_base and (tuned.versus_base.gained, tuned.versus_base.lost) == (10, 0)


@pytest.mark.parametrize("extract", [read_answer, None])
def test_values_alone_are_those_of_the_whole_evaluation(extract):
    written = write("base", "AAb", "A?b", "???", "bbA", ".b.", "A.A")
    scores = [[at * 0.3 % 1, 0.5, at / 7] for at in range(6)]
    written = replace(written, scores=scores)
    (whole,) = evaluate("t", [written], extract_answer=extract)
    expected = {"pass@1": whole.shares}
    expected |= {m.name: m.values for m in (whole.votes, whole.best) if m is not None}
    assert list_values(written, extract) == expected
    assert len(expected) == (3 if extract else 2)


def test_what_could_not_be_judged_is_counted_apart_and_left_out():
    base, tuned = evaluate(
        "t", [write("base", *["??"] * 10, *["A."] * 30), write("run-1", *["??"] * 10, *["AA"] * 30)]
    )
    assert (base.n, base.unscored) == (30, 20)
    assert tuned.versus_base is not None
    assert tuned.versus_base.n == 30 and tuned.versus_base.difference == 0.5


def test_an_evaluation_without_verdicts_is_refused():
    with pytest.raises(BadInputError, match="Nothing could be judged"):
        evaluate("t", [write("base", "??", "??")])


def test_an_evaluation_without_rows_is_refused():
    with pytest.raises(BadInputError, match="nothing to evaluate"):
        evaluate("t", [write("base")])


def test_pass_at_k_has_a_value_and_an_interval_for_every_k():
    (base,) = evaluate("t", [write("base", "A...", "AA..", "....", "AAAA")])
    curve = [estimate.value for estimate in base.passes.curve if estimate]
    brute = [
        (1 / 4 + 2 / 4 + 0 + 1) / 4,
        (3 / 6 + 5 / 6 + 0 + 1) / 4,
        (3 / 4 + 1 + 0 + 1) / 4,
        0.75,
    ]
    assert curve == pytest.approx(brute)
    for estimate in base.passes.curve:
        assert estimate and estimate.ci[0] <= estimate.value <= estimate.ci[1]
        assert estimate.ci[0] < estimate.ci[1]


def test_a_vote_is_held_against_a_random_pick_of_the_same_samples():
    rows = [*["AAb"] * 30, *["Abb"] * 2]
    (base,) = evaluate("t", [write("base", *rows)], extract_answer=read_answer)
    assert base.votes is not None and base.votes.versus_random is not None
    assert base.majority == pytest.approx(30 / 32)
    control = base.votes.versus_random
    assert control.difference == pytest.approx(base.majority - base.pass_at_1)
    assert control.is_significant and control.ci[0] > 0
    assert base.agreement and base.agreement.value == pytest.approx(2 / 3)


def test_the_best_by_a_good_score_beats_a_random_pick_and_by_a_useless_one_does_not():
    rows = ["AbA", "bAb", "bbb", "AbA"] * 10
    good = [[float(letter.isupper()) for letter in row] for row in rows]
    useless = [[1.0] * 3 for _ in rows]
    judged, blind = (
        evaluate("t", [write("base", *rows, scores=scores)])[0].best for scores in (good, useless)
    )
    assert judged and judged.at_k and judged.at_k.value == 0.75
    assert judged.versus_random and judged.versus_random.ci[0] > 0
    assert blind and blind.at_k and blind.at_k.value == pytest.approx(0.5)  # the first of equals
    assert blind.versus_random and not blind.versus_random.is_significant
    first = judged.curve[0]
    assert first and first.value == pytest.approx(5 / 12), "one sample leaves nothing to choose"


def test_completions_that_state_no_answer_have_no_vote():
    (base,) = evaluate("t", [write("base", "..", "..")], extract_answer=read_answer)
    assert base.votes is None and base.agreement is None and base.majority is None


def test_every_pair_is_compared_in_every_measure_that_both_have():
    three = [write(label, "AAb", "bbb") for label in ("base", "one", "two")]
    found = evaluate("t", three, extract_answer=read_answer)
    pairs = [(one.first, one.second, one.measure) for one in compare_all(found)]
    assert pairs == [
        (*pair, measure)
        for pair in (("base", "one"), ("base", "two"), ("one", "two"))
        for measure in ("pass@1", "maj@k", "pass@k")
    ]


@pytest.mark.parametrize(
    ("texts", "answer"),
    [
        (("<answer>72</answer>", "so #### 72.0", "\\boxed{$72}"), "72"),
        (("<answer> X  y </answer>", "<answer>x y</answer>"), "x y"),
        (("no answer", "<answer></answer>", "<answer>1</answer><answer>2</answer>"), None),
    ],
)
def test_equal_answers_are_one_whatever_they_stand_in(texts: tuple[str, ...], answer: str | None):
    assert {read_stated_answer(text) for text in texts} == {answer}
