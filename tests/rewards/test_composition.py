"""Several reward functions make one reward, as the trainer will compute it."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import LARGEST, Batch, Grade, RewardEntry, RewardSet
from rft_core.rewards.grader_info import GraderInfo
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.scorer import Scorer, weighted_sum
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
        (RewardEntry("a", "format", weight=1e308),),
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


def test_a_mistake_in_a_grader_costs_the_completion_that_brings_it_out(monkeypatch):
    def grade_brittle(completion, row):
        return Grade({"good": 0.5}[completion], "")

    monkeypatch.setitem(GRADERS, "brittle", GraderInfo("brittle", grade_brittle, ""))
    entries = (RewardEntry("brittle", "brittle"), RewardEntry("length", "length"))
    with Scorer(RewardSet(entries)) as scorer:
        scoring = scorer.score(make_batch("good", "bad", "good", "worse"))
    assert [sample.scores["brittle"] for sample in scoring.samples] == [0.5, None, 0.5, None]
    assert all(sample.scores["length"] is not None for sample in scoring.samples)
    assert scoring.samples[1].reasons["brittle"] == "Not scored: KeyError: 'bad'."
    report = scoring.reports[0]
    assert (report.error_kind, report.error_sample) == ("exception", 1)
    assert report.error == "The reward 'brittle' failed on completion 1: KeyError: 'bad'."
    assert "grade_brittle" in report.traceback


def test_a_mistake_in_a_grader_of_batches_leaves_the_other_functions_scores(monkeypatch):
    class Brittle:
        def score(self, batch, timeout):
            return batch.no_such_thing

        def close(self):
            pass

    info = GraderInfo("brittle", None, "", open=lambda entry, context: Brittle())
    monkeypatch.setitem(GRADERS, "brittle", info)
    with Scorer(RewardSet((*COUNTDOWN.entries, RewardEntry("brittle", "brittle")))) as scorer:
        scoring = scorer.score(make_batch(RIGHT))
    assert scoring.samples[0].reward == 3.0
    assert scoring.samples[0].scores["brittle"] is None
    assert "AttributeError" in scoring.reports[2].error


def test_what_a_person_must_mend_is_raised_also_while_scoring(monkeypatch):
    def refuse(completion, row):
        raise BadInputError("The options do not fit the row")

    monkeypatch.setitem(GRADERS, "strict", GraderInfo("strict", refuse, ""))
    with Scorer(RewardSet((RewardEntry("a", "strict"),))) as scorer, pytest.raises(BadInputError):
        scorer.score(make_batch("a"))


def test_scores_too_large_for_a_sum_are_none_and_the_largest_still_sum_up():
    entries = [
        RewardEntry(
            name, "formula", LARGEST, {"expression": "3 * size" if name == "huge" else "size"}
        )
        for name in ("huge", "large")
    ]
    size = "def size(completions): return [float(text) for text in completions]"
    size_entry = RewardEntry("size", "python", 0.0, source=size)
    with Scorer(RewardSet((*entries, size_entry))) as scorer:
        scoring = scorer.score(make_batch("5e8", "1e9", "1e308"))
    huge, large, own = scoring.reports
    assert [s.scores["huge"] for s in scoring.samples] == [None, None, None]
    assert [s.scores["large"] for s in scoring.samples] == [5e8, 1e9, None]
    assert [s.reward for s in scoring.samples] == [5e17, 1e18, None]
    assert (huge.error_kind, huge.error_sample) == ("too_large", 0)
    assert (large.error, own.error_sample) == (None, 2)
    assert "1e+308, and a score is from -1e+09 to 1e+09" in own.error
