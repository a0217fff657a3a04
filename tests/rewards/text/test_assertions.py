"""Assertions of a row: what they pay, what they cannot check, and that none runs away."""

import re

import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.text.assertions import check_assertion, find_assertion_problem, grade_one
from rft_core.rewards.text.javascript_pattern import to_python
from tests.rewards.scoring_cases import make_batch

OPTIONS = {"column": "assertions", "metric": ""}
CONTAINS = {"type": "contains", "value": "a"}


def test_the_score_is_the_mean_by_weight():
    listed = [{**CONTAINS, "weight": 3}, {"type": "regex", "value": "b"}]
    scores = [grade_one(text, listed, OPTIONS)[0] for text in ("ab", "a", "b", "")]
    assert scores == [1.0, 0.75, 0.25, 0.0]
    assert grade_one("b", [{**CONTAINS, "weight": 0}], OPTIONS)[0] == 0.0


def test_a_metric_picks_its_own():
    listed = [{**CONTAINS, "metric": "one"}, {"type": "equals", "value": "b", "metric": "two"}]
    assert grade_one("a", listed, {**OPTIONS, "metric": "one"})[0] == 1.0
    assert grade_one("a", listed, {**OPTIONS, "metric": "two"})[0] == 0.0
    assert grade_one("a", listed, {**OPTIONS, "metric": "three"})[0] is None


@pytest.mark.parametrize(
    "value",
    [None, [], "contains", {}, [None], [[]], [{"type": "python"}], [{"type": 3}],
     [{"type": "contains"}], [{**CONTAINS, "weight": -1}], [{**CONTAINS, "weight": float("nan")}],
     [{**CONTAINS, "threshold": "x"}], [CONTAINS, {"type": "javascript", "value": "true"}]],
)  # fmt: skip
def test_a_row_without_assertions_that_can_be_checked_is_unscored(value):
    score, reason, flag = grade_one("a", value, OPTIONS)
    assert score is None and reason and not flag


def test_reasons_name_what_does_not_hold():
    listed = [CONTAINS, {"type": "not-contains", "value": "b"}]
    assert grade_one("b", listed, OPTIONS)[1] == "Not in full: contains 'a'; not-contains 'b'."


def test_patterns_and_schemas_that_run_away_are_stopped_in_the_jail():
    rows = [{"assertions": [{"type": "regex", "value": "(x+)+$"}]},
            {"assertions": [{"type": "is-json", "value": {"pattern": "^(x+)+$"}}]},
            {"assertions": [CONTAINS]}]  # fmt: skip
    texts = ("x" * 60 + "y", '"' + "x" * 60 + 'y"', "a")
    with Scorer(RewardSet((RewardEntry("asserted", "assertions"),))) as scorer:
        samples = scorer.score(make_batch(*texts, rows=rows)).samples
    assert [sample.scores["asserted"] for sample in samples] == [None, None, 1.0]
    assert [sample.flags for sample in samples] == [("slow_pattern",), ("slow_pattern",), ()]


def test_long_and_deep_completions_score_nothing():
    assert grade_one("a" * 200_000, [CONTAINS], OPTIONS)[0] == 0.0
    for kind in ("is-json", "contains-json"):
        assert grade_one("[" * 50_000, [{"type": kind}], OPTIONS)[0] == 0.0


def test_a_schema_that_refers_elsewhere_is_not_fetched():
    listed = [{"type": "is-json", "value": {"$ref": "https://example.com/schema.json"}}]
    score, reason, _ = grade_one("{}", listed, OPTIONS)
    assert score is None and "refers to what is not in it" in reason


@pytest.mark.parametrize(
    ("value", "text", "holds"),
    [(True, "true", True), (1.0, "1", True), (0.5, "0.5", True), ({"a": None}, '{"a": null}', True),
     ({"a": 1}, '{"a": true}', False), ([1, 2], "[2, 1]", False), ({"a": 1}, "{a: 1}", False),
     ({}, "{} x", False)],
)  # fmt: skip
def test_equal_means_equal_in_javascript(value, text, holds):
    assert check_assertion(text, {"type": "equals", "value": value}) == float(holds)


def test_a_value_that_is_none_is_a_problem_of_the_assertion():
    assert find_assertion_problem({"type": "equals", "value": None}) == "'equals' has no value"
    assert find_assertion_problem({"type": "equals", "value": ""}) == ""


# (pattern, text, whether `new RegExp(pattern).test(text)` of Node 20 says yes)
JAVASCRIPT = [
    (r"^\d{4}$", "2024", True), (r"^\d{4}$", "2024\n", False), (r"^\d+$", "٣", False),
    (r"\w", "é", False), (r"\bé", "é", False), (r"\s", "\u00a0", True), (r"\s", "\x1c", False),
    (r"a.c", "a\u2028c", False), (r"a[^]c", "a\nc", True), (r"a[]c", "ac", False),
    (r"[\s\S]{3}", "a\nb", True), (r"[\D\d]", "5", True), (r"a{,2}", "a{,2}", True),
    (r"a{,2}", "aa", False), (r"{1}?", "{1}", None), (r"x{", "x{", True), (r"[--a]", "0", True),
    (r"[&&b]", "&", True), (r"[[]", "[", True), (r"(?<y>a)\k<y>", "aa", True),
    (r"(?<y>a)\k<y>", "ab", False), (r"(?<=\$)\d", "$5", True), (r"\/x\/", "/x/", True),
    (r"\u00e9|\x41", "A", True), (r"\B", "", True), (r"^(yes|no)$", "yes", True),
    (r"a*?b|^$", "", True), (r"[\]\-^]", "^", True), (r"\0", "\0", True), ("#c", "#c", True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "text", "matches"), JAVASCRIPT)
def test_a_pattern_matches_as_in_javascript(pattern, text, matches):
    if matches is None:
        with pytest.raises(ValueError, match="nothing"):
            to_python(pattern)
    else:
        assert bool(re.search(to_python(pattern), text)) is matches


@pytest.mark.parametrize(
    "pattern",
    ["(?i)a", "(?P<n>a)", r"\A", r"\Z", r"\p{L}", "a++", "*", "a**", "[a", "\\", "|*", "(?#x)"],
)
def test_a_pattern_that_means_something_else_in_javascript_is_refused(pattern):
    with pytest.raises(ValueError, match=r"\w"):
        to_python(pattern)
