"""Several reward functions make one reward, as the trainer will compute it."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.composition import Scorer, weighted_sum
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.graders import GRADERS
from tests.rewards.scoring_cases import RIGHT, ROW, make_batch, python_set

COUNTDOWN = RewardSet((RewardEntry("format", "format"), RewardEntry("equation", "equation", 2.0)))


def test_scores_reasons_and_the_weighted_sum():
    with Scorer(COUNTDOWN) as scorer:
        right, wrong = scorer.score(make_batch(RIGHT, "<answer>74 - 15 - 9</answer>")).samples
    assert right.scores == {"format": 1.0, "equation": 1.0}
    assert right.reward == 3.0
    assert wrong.scores == {"format": 0.0, "equation": 1.0}
    assert wrong.reward == 2.0
    assert wrong.reasons["format"] == "<think> is there 0 times, not once."


@pytest.mark.parametrize(
    ("scores", "weights", "reward"),
    [
        ([1.0, 0.5], [1.0, 2.0], 2.0),
        ([1.0, None], [1.0, 2.0], 1.0),
        ([None, None], [1.0, 2.0], None),
        ([None, 5.0], [1.0, 0.0], None),
        ([1.0, 5.0], [0.0, 0.0], 0.0),
        ([1.0, 0.5], [1.0, -1.0], 0.5),
    ],
)
def test_what_cannot_judge_is_left_out_of_the_sum(scores, weights, reward):
    assert weighted_sum(scores, weights) == reward


def test_a_caught_trick_and_a_repetition_are_flagged_whatever_the_rewards():
    trick = "<think>a</think><answer>0x4A - 15 - 9</answer>"
    with Scorer(COUNTDOWN) as scorer:
        samples = scorer.score(make_batch(trick, "no " * 4000, RIGHT)).samples
    assert [sample.flags for sample in samples] == [("odd_number",), ("repetition",), ()]


def test_an_empty_batch_has_an_empty_result():
    with Scorer(COUNTDOWN) as scorer:
        scoring = scorer.score(Batch([], [], []))
    assert scoring.samples == ()
    assert [report.name for report in scoring.reports] == ["format", "equation"]


def test_scoring_is_deterministic():
    batch = make_batch(RIGHT, "", "<answer>1</answer>", "no " * 4000)
    with Scorer(COUNTDOWN) as one, Scorer(COUNTDOWN) as other:
        assert one.score(batch).samples == other.score(batch).samples


def test_token_lengths_reach_the_length_grader():
    reward_set = RewardSet(
        (RewardEntry("length", "length", options={"unit": "tokens", "target": 2}),)
    )
    with Scorer(reward_set) as scorer:
        sampled = scorer.score(make_batch("a", "b", completion_ids=[[1, 2], [1]]))
        pasted = scorer.score(make_batch("a"))
    assert [sample.reward for sample in sampled.samples] == [1.0, 0.5]
    assert pasted.samples[0].reward is None


def test_a_slow_built_in_grader_stops_at_the_deadline():
    with Scorer(COUNTDOWN, timeout=1e-9) as scorer:
        scoring = scorer.score(make_batch(*[RIGHT] * 20))
    assert [report.error_kind for report in scoring.reports] == ["hang", "hang"]
    assert scoring.samples[-1].reward is None


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (RewardEntry("a", "no_such_grader"),),
        (RewardEntry("a", "format"), RewardEntry("a", "equation")),
        (RewardEntry("a", "format", weight=float("nan")),),
        (RewardEntry("a", "format", options={"no_such_option": 1}),),
        (RewardEntry("a", "numeric_match", options={"tolerance": "much"}),),
        (RewardEntry("a", "numeric_match", options={"tolerance": True}),),
        (RewardEntry("a", "length", options={"unit": "miles"}),),
        (RewardEntry("a", "regex", options={"pattern": "("}),),
        (RewardEntry("a", "python"),),
    ],
)
def test_a_reward_set_that_cannot_work_is_refused_at_once(entries):
    with pytest.raises(BadInputError):
        Scorer(RewardSet(entries))


def test_every_grader_runs_with_its_default_options():
    for info in GRADERS.values():
        options = {option.name: option.default for option in info.options}
        if info.name == "regex":
            options["pattern"] = "answer"
        if info.name == "formula":
            options["expression"] = "1 / 2"
        if info.name == "judge":
            options |= {"model": "m", "rubric": "r", "base_url": "http://127.0.0.1:9", "retries": 0}
        row = {**ROW, "answer": "B" if info.name == "choice" else "50"}
        with Scorer(RewardSet((RewardEntry("x", info.name, options=options),))) as scorer:
            [sample] = scorer.score(make_batch(RIGHT, rows=[row])).samples
        assert sample.reward is None or 0.0 <= sample.reward <= 1.0, info.name


def test_a_mixed_set_runs_built_in_and_python_side_by_side():
    python = python_set("def f(completions): return [len(c) for c in completions]").entries
    with Scorer(RewardSet((*COUNTDOWN.entries, *python))) as scorer:
        [sample] = scorer.score(make_batch(RIGHT)).samples
    assert sample.reward == 3.0 + len(RIGHT)
