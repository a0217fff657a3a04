"""Regular expressions end in time; lengths fall off in proportion."""

import time

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.length import grade_length
from rft_core.rewards.pattern import TIMEOUT_SECONDS, grade_regex

PATIENT = [r"(a+)+$", r"(<think.*)+$", r"(.*?,){25}P", r"^(<think>?.*)*</answer>$", r"(\w|\w\w)*!"]


@pytest.mark.parametrize("pattern", PATIENT)
@pytest.mark.parametrize("text", ["<think" * 8334, "a" * 50_000 + "b"])
def test_a_catastrophic_pattern_ends_within_its_time(pattern, text):
    start = time.perf_counter()
    grade_regex(text, {}, pattern=pattern)
    assert time.perf_counter() - start < TIMEOUT_SECONDS + 1


def test_a_pattern_out_of_time_is_unscored_and_flagged():
    result = grade_regex("a" * 50_000 + "b", {}, pattern=r"^(a|aa)+$")
    assert (result.score, result.flags) == (None, ("slow_pattern",))


def test_search_fullmatch_and_case():
    text = "<think>x</think>\n<ANSWER>1</ANSWER>"
    assert grade_regex(text, {}, pattern=r"<think>.*</think>").score == 1.0
    assert grade_regex(text, {}, pattern=r"<think>.*</think>", full=True).score == 0.0
    assert grade_regex(text, {}, pattern=r"<answer>\d</answer>").score == 0.0
    assert grade_regex(text, {}, pattern=r"<answer>\d</answer>", ignore_case=True).score == 1.0


@pytest.mark.parametrize("pattern", ["", "(", "[a", "x" * 3000, "(?P<a>x)(?P<", "*"])
def test_a_pattern_that_is_none_is_bad_input(pattern):
    with pytest.raises(BadInputError):
        grade_regex("x", {}, pattern=pattern)


def test_length_is_full_inside_the_range_and_falls_outside():
    assert grade_length("x" * 50, {}, minimum=10, maximum=100).score == 1.0
    assert grade_length("x" * 5, {}, minimum=10).score == 0.5
    assert grade_length("x" * 200, {}, maximum=100).score == 0.5
    assert grade_length("one two three", {}, unit="words", target=3).score == 1.0
    assert grade_length("x" * 4000, {}, target=100).score == 0.0
    assert grade_length("", {}).score == 1.0


def test_length_in_tokens_needs_sampled_tokens():
    assert grade_length("text", {}, unit="tokens", target=10).score is None
    assert grade_length("text", {}, unit="tokens", target=10, num_tokens=10).score == 1.0
