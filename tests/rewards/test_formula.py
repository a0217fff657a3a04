"""Scores made of scores: arithmetic and nothing else."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.formula import formula_names, grade_formula
from rft_core.rewards.scorer import Scorer, check_reward_set
from tests.rewards.scoring_cases import RIGHT, make_batch


def value(expression: str, **scores: float | None) -> float | None:
    return grade_formula(
        RewardEntry("f", "formula", options={"expression": expression}), scores
    ).score


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [("0.5 * a + 0.5 * b", 0.75), ("a ^ 2 + b", 1.25), ("min(a, b)", 0.5), ("-a + 1", 0.5),
     ("max(0, a - b)", 0.0), ("sqrt(a * 0.5)", 0.5), ("floor(a) + ceil(a)", 1.0), ("abs(-b)", 1.0),
     ("log(exp(a))", 0.5), ("2 * a ^ 2", 0.5), ("(a + b) / 2", 0.75), ("1", 1.0), ("min(a)", 0.5)],
)  # fmt: skip
def test_arithmetic(expression, wanted):
    assert value(expression, a=0.5, b=1.0) == pytest.approx(wanted)


@pytest.mark.parametrize(
    "expression", ["a / 0", "log(0)", "sqrt(-1)", "9^9^9^9", "a * x", "exp(9999)"]
)
def test_what_has_no_value_is_unscored(expression):
    assert value(expression, a=1.0, x=None) is None


@pytest.mark.parametrize(
    "expression",
    ["", "a +", "__import__('os')", "a.b", "a[0]", "lambda: 1", "[a]", "'a'", "True", "open(a)",
     "min()", "max(a, key=b)", "a if b else c", "a and b", "(" * 300, "a" * 2000, "a = 1", "1j"],
)  # fmt: skip
def test_anything_else_is_bad_input(expression):
    with pytest.raises(BadInputError):
        formula_names(expression)


def test_a_formula_takes_the_functions_own_scores_and_is_weighed_itself():
    rewards = RewardSet((
        RewardEntry("total", "formula", 2.0, {"expression": "0.5 * format + 0.5 * equation"}),
        RewardEntry("format", "format", 0.0),
        RewardEntry("equation", "equation", 0.0),
    ))  # fmt: skip
    with Scorer(rewards) as scorer:
        right, bare = scorer.score(make_batch(RIGHT, "<answer>74 - 15 - 9</answer>")).samples
    assert (right.reward, bare.reward) == (2.0, 1.0)
    assert bare.reasons["total"] == "0.5 * format + 0.5 * equation = 0.5"


@pytest.mark.parametrize("expression", ["nobody", "total", "other"])
def test_a_formula_uses_functions_of_the_set_that_are_no_formulas(expression):
    entries = (
        RewardEntry("total", "formula", options={"expression": expression}),
        RewardEntry("other", "formula", options={"expression": "format"}),
        RewardEntry("format", "format"),
    )
    with pytest.raises(BadInputError):
        check_reward_set(RewardSet(entries))
