"""Regular expressions end in time; lengths fall off in proportion."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.text.length import grade_length
from tests.rewards.scoring_cases import make_batch


def match(pattern: str, *texts: str, timeout: float = 10, **options) -> list[Scored]:
    entry = RewardEntry("regex", "regex", options={"pattern": pattern, **options})
    with Scorer(RewardSet((entry,)), timeout=timeout) as scorer:
        return list(scorer.score(make_batch(*texts)).samples)


PATIENT = [
    r"(a+)+$", r"(<think.*)+$", r"(.*?,){25}P", r"^(<think>?.*)*</answer>$", r"(\w|\w\w)*!",
    r"(?:(?:(?:a{1000}){1000}){1000}){1000}", r"(?:a?){30000}a{30000}",
]  # fmt: skip


@pytest.mark.parametrize("pattern", PATIENT)
def test_a_catastrophic_pattern_ends_within_its_time_and_harms_nobody(pattern):
    samples = match(pattern, "<think" * 8334, "a" * 50_000 + "b", "x")  # else it never returns
    assert samples[2].reward == 0.0


def test_a_pattern_out_of_time_is_unscored_and_flagged():
    slow, quick = match(r"^(a|aa)+$", "a" * 100 + "b", "aa")
    assert (slow.reward, slow.flags) == (None, ("slow_pattern",))
    assert (quick.reward, quick.flags) == (1.0, ())


def test_slow_texts_take_no_time_from_those_that_come_after_them():
    *slow, quick = match(r"^(a|aa)+$", *["a" * 100 + "b"] * 8, "aa", timeout=1)
    assert {sample.flags for sample in slow} == {("slow_pattern",)}
    assert quick.reward == 1.0


def test_search_fullmatch_and_case():
    text = "<think>x</think>\n<ANSWER>1</ANSWER>"
    assert match(r"<think>.*</think>", text)[0].reward == 1.0
    assert match(r"<think>.*</think>", text, full=True)[0].reward == 0.0
    assert match(r"<answer>\d</answer>", text)[0].reward == 0.0
    assert match(r"<answer>\d</answer>", text, ignore_case=True)[0].reward == 1.0


@pytest.mark.parametrize("pattern", ["", "(", "[a", "x" * 3000, "(?P<a>x)(?P<", "*"])
def test_a_pattern_that_is_none_is_bad_input(pattern):
    with pytest.raises(BadInputError):
        match(pattern, "x")


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
