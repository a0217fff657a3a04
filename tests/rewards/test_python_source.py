"""The source is read, never run."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.python_source import (
    STARTER_SOURCE,
    inspect_source,
    reward_set_from_source,
)
from rft_core.rewards.scorer import Scorer
from tests.rewards.scoring_cases import RIGHT, make_batch


def test_public_functions_that_take_completions_are_rewards():
    source = """
import os
def first(completions, **columns): ...
async def second(prompts, *, completions): ...
def third(**everything): ...
def not_one(text): ...
def _hidden(completions): ...
class Nor:
    def this(self, completions): ...
"""
    assert inspect_source(source).functions == ("first", "second", "third")


def test_inspecting_runs_nothing():
    assert inspect_source("raise SystemExit\ndef f(completions): ...").functions == ("f",)


def test_a_syntax_error_has_its_line():
    report = inspect_source("x = 1\ndef f(completions):\n    return )")
    assert report.error_line == 3
    with pytest.raises(BadInputError, match="line 3"):
        reward_set_from_source("x = 1\ndef f(completions):\n    return )")


@pytest.mark.parametrize(
    "source", ["", "x = 1", "def f(text): ...", "\x00", "(" * 5000, "a" * 2_000_000, "\ud800"]
)
def test_a_source_without_rewards_is_refused_with_a_reason(source):
    assert inspect_source(source).error
    with pytest.raises(BadInputError):
        reward_set_from_source(source)


def test_weights_come_from_the_caller_then_the_source_then_are_one():
    source = "WEIGHTS = {'a': 0.5, 'b': 0}\n" + "".join(
        f"def {name}(completions): return [1.0] * len(completions)\n" for name in "abc"
    )
    assert reward_set_from_source(source).weights == (0.5, 0.0, 1.0)
    assert reward_set_from_source(source, weights={"a": 2}).weights == (2, 0.0, 1.0)
    with pytest.raises(BadInputError, match="'z'"):
        reward_set_from_source(source, weights={"z": 1})


@pytest.mark.parametrize(
    "weights", ["{'a': 'much'}", "{'a': True}", "dict(a=1)", "[1]", "{'z': 1}"]
)
def test_weights_that_are_no_plain_numbers_are_refused_with_their_line(weights):
    report = inspect_source(f"\nWEIGHTS = {weights}\ndef a(completions): ...")
    assert report.error_line == 2


def test_the_same_source_has_the_same_id_and_an_edit_another():
    one = reward_set_from_source(STARTER_SOURCE, "mine")
    assert one.id == reward_set_from_source(STARTER_SOURCE, "another name").id
    assert one.id != reward_set_from_source(STARTER_SOURCE + "\n").id
    assert type(one).from_json(one.to_json()) == one


def test_the_starter_source_works_as_it_is():
    reward_set = reward_set_from_source(STARTER_SOURCE)
    with Scorer(reward_set) as scorer:
        scoring = scorer.score(make_batch(RIGHT, ""))
    assert [report.error for report in scoring.reports] == [None, None]
    assert scoring.samples[0].scores == {"has_answer": 1.0, "short_thought": 1.0}
    assert scoring.samples[0].reasons["short_thought"] == f"{len(RIGHT)} characters"
    assert scoring.samples[0].reward == pytest.approx(1.2)
