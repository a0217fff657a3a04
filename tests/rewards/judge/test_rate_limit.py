"""Requests and tokens per minute: turns in a sliding window, and a real server that is paced."""

import json
import random

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.grader_context import GraderContext
from rft_core.rewards.judge.judge import JUDGE, Judge
from rft_core.rewards.judge.rate_limit import WINDOW, RateLimit, estimate_tokens
from rft_core.rewards.scorer import Scorer
from tests.rewards.judge.judge_clock import JudgeClock
from tests.rewards.judge.judge_server import chat, serve
from tests.rewards.judge.test_judge import GOOD, judge
from tests.rewards.scoring_cases import make_batch


def most_in_a_window(moments, sizes=None):
    """The largest sum of sizes in any 60 s that begin with one of the moments."""
    sizes = sizes or [1] * len(moments)
    return max(
        sum(s for m, s in zip(moments, sizes, strict=True) if begin <= m < begin + WINDOW)
        for begin in moments
    )


def test_without_limits_every_turn_is_now():
    limit = RateLimit()
    assert [limit.take_turn(10**6, 5.0).moment for _ in range(100)] == [5.0] * 100


def test_requests_beyond_the_limit_wait_until_the_oldest_is_a_minute_old():
    limit = RateLimit(requests_per_minute=2)
    turns = [limit.take_turn(1, now).moment for now in (0.0, 10.0, 11.0, 11.0, 12.0)]
    assert turns == [0.0, 10.0, 60.0, 70.0, 120.0]


def test_tokens_beyond_the_limit_wait_and_what_was_really_used_counts():
    limit = RateLimit(tokens_per_minute=100)
    first = limit.take_turn(80, 0.0)
    first.tokens = 30  # as the answer said
    assert limit.take_turn(70, 1.0).moment == 1.0
    assert limit.take_turn(10, 2.0).moment == 60.0


def test_no_minute_ever_has_more_than_both_limits():
    rng, now = random.Random(7), 0.0
    limit = RateLimit(requests_per_minute=9, tokens_per_minute=1_000)
    moments, sizes = [], []
    for _ in range(400):
        now += rng.choice([0.0, 0.0, 0.5, 30.0])
        sizes.append(rng.randint(1, 400))
        moments.append(limit.take_turn(sizes[-1], now).moment)
    assert moments == sorted(moments)
    assert most_in_a_window(moments) == 9 and 900 < most_in_a_window(moments, sizes) <= 1_000


def test_a_request_that_no_minute_has_room_for_is_refused_at_once():
    limit = RateLimit(tokens_per_minute=100)
    with pytest.raises(ValueError, match="tokens_per_minute is 100"):
        limit.take_turn(101, 0.0)
    assert limit.take_turn(100, 0.0).moment == 0.0


@pytest.mark.parametrize(
    ("text", "tokens"), [("", 1), ("a" * 300, 101), ("天" * 300, 301)], ids=["empty", "en", "zh"]
)
def test_tokens_are_estimated_by_bytes(text, tokens):
    assert estimate_tokens(text) == tokens


def pace(behave, *texts, timeout=20.0, **options):
    """Grades and the moments at which a real server was asked, by the test's clock."""
    clock, moments = JudgeClock(), []

    def noted(user, seen):
        moments.append(clock.now())
        return behave(user, seen)

    with serve(noted) as server:
        [entry] = judge(server.url, concurrency=1, **options).entries
        own = Judge(entry, clock=clock)
        try:
            grades, report = own.score(make_batch(*texts), timeout)
        finally:
            own.close()
    return grades, report, moments


def test_a_server_is_asked_no_faster_than_requests_per_minute():
    texts = [f"text {i}" for i in range(25)]
    grades, report, moments = pace(lambda *_: GOOD, *texts, requests_per_minute=10)
    assert {grade.score for grade in grades} == {0.8} and report.error is None
    assert len(moments) == 25 and most_in_a_window(moments) == 10
    assert moments[-1] - moments[0] == 2 * WINDOW
    assert report.metrics["calls"] == 25 and report.metrics["latency_max"] == 0


def test_a_server_is_asked_no_faster_than_tokens_per_minute():
    """An answer says 110 tokens, and one question is expected to take some 400."""
    texts = [f"text {i}" for i in range(12)]
    grades, report, moments = pace(lambda *_: GOOD, *texts, tokens_per_minute=600, max_tokens=50)
    assert {grade.score for grade in grades} == {0.8} and report.error is None
    assert 110 * most_in_a_window(moments) <= 600 and moments[-1] > moments[0]


def test_attempts_that_fail_have_their_turns_too():
    behave = lambda _, seen: (500, {}, b"oops") if seen <= 2 else GOOD  # noqa: E731
    grades, report, moments = pace(behave, "a", "b", requests_per_minute=2, retries=3)
    assert [grade.score for grade in grades] == [0.8, 0.8]
    assert most_in_a_window(moments) == 2 and report.metrics["calls"] == len(moments) == 6


def test_waiting_for_a_turn_takes_nothing_of_a_completions_time():
    texts = [f"text {i}" for i in range(5)]
    grades, report, moments = pace(lambda *_: GOOD, *texts, timeout=3.0, requests_per_minute=1)
    assert {grade.score for grade in grades} == {0.8} and report.error is None
    assert moments[-1] - moments[0] == 4 * WINDOW


def test_a_completion_that_is_too_long_for_the_limit_is_unscored_and_the_others_are_not():
    grades, _, moments = pace(
        lambda *_: GOOD, "x" * 9_000, "short", tokens_per_minute=1_500, max_tokens=100
    )
    assert [grade.score for grade in grades] == [None, 0.8] and len(moments) == 1
    assert "tokens_per_minute is 1,500" in grades[0].reason


def test_a_silent_endpoint_is_given_up_though_its_turns_are_far_apart():
    texts = [f"text {i}" for i in range(9)]
    grades, report, moments = pace(
        lambda *_: (429, {"Retry-After": "5"}, b""), *texts, timeout=20.0, requests_per_minute=30
    )
    assert {grade.score for grade in grades} == {None} and len(moments) < 9 * 4
    assert "no score for 20 s" in grades[-1].reason and report.metrics["failures"] == 9


def test_judges_of_one_endpoint_share_its_limit_and_others_do_not():
    def open_with(context, **options):
        [entry] = judge("http://127.0.0.1:9/v1", **options).entries
        return JUDGE.open(entry, context)

    context = GraderContext()
    one, same = (open_with(context, requests_per_minute=5, rubric=r) for r in ("a", "b"))
    other = open_with(context, requests_per_minute=5, model="another")
    assert one._endpoint.limit is same._endpoint.limit
    assert one._endpoint.limit is not other._endpoint.limit
    for each in (one, same, other):
        each.close()


def test_how_replies_ended_is_measured():
    def behave(user, seen):
        body = chat(GOOD if "text 3" not in user else '{"score": 8, "rea')
        body["choices"][0]["finish_reason"] = "length" if "text 3" in user else "stop"
        return (200, {}, json.dumps(body).encode())

    grades, report, _ = pace(behave, "text 1", "text 2", "text 3", max_tokens=77)
    assert [grade.score for grade in grades] == [0.8, 0.8, None]
    assert report.metrics["stop_rate"] == 0.5  # two of four: what is cut off is asked once more
    assert "cut off after max_tokens=77" in grades[2].reason


def test_a_server_that_does_not_say_how_it_ended_has_no_stop_rate():
    _, report, _ = pace(lambda *_: GOOD, "a")
    assert "stop_rate" not in report.metrics


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "max_tokens"])
def test_a_limit_below_nothing_is_bad_input(name):
    with pytest.raises(BadInputError, match=name):
        Scorer(judge("http://127.0.0.1:9/v1", **{name: -1}))
