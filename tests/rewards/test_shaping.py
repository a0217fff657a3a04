"""Gates, bounds, penalties and ranks: what counts, and that unscored stays unscored."""

import json
from dataclasses import asdict, replace

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, RewardEntry, RewardSet
from rft_core.rewards.in_group import rank_within, stretch
from rft_core.rewards.scorer import Scorer, check_reward_set
from rft_core.rewards.shaping import score_range, shape_scores
from tests.rewards.scoring_cases import RIGHT, ROW, make_batch

FORMAT = RewardEntry("format", "format")
GATED = RewardEntry("equation", "equation", only_if="format")


def shape(entries, *columns, flags=None, batch=None) -> list[list[float | None]]:
    grades = [[Grade(score, "why") for score in column] for column in columns]
    flags = flags or [()] * len(columns[0])
    batch = batch or make_batch(*"x" * len(columns[0]))
    shaped = shape_scores(entries, grades, flags, batch)
    return [[grade.score for grade in column] for column in shaped]


def test_correctness_counts_only_if_the_format_holds():
    bare = "<answer>74 - 15 - 9</answer>"
    with Scorer(RewardSet((FORMAT, GATED))) as scorer:
        right, unformatted, wrong = scorer.score(
            make_batch(RIGHT, bare, RIGHT.replace("- 9<", "- 8<"))
        ).samples
    assert (right.reward, unformatted.reward, wrong.reward) == (2.0, 0.0, 1.0)
    assert unformatted.reasons["equation"].startswith("Not counted: 'format' is 0. By itself 1")


def test_a_gate_passes_on_doubt_and_keeps_penalties():
    gated = replace(GATED, only_if="f")
    columns = [1.0, 0.99, 0.0, None, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0, None, -1.0]
    shaped = shape([RewardEntry("f", "format"), gated], *columns)
    assert shaped[0] == columns[0]
    assert shaped[1] == [1.0, 0.0, 0.0, None, None, -1.0]


def test_two_gates_in_a_circle_look_at_the_functions_own_verdicts():
    a, b = RewardEntry("a", "x", only_if="b"), RewardEntry("b", "x", only_if="a")
    assert shape([a, b], [1.0, 1.0], [1.0, 0.0]) == [[1.0, 0.0], [1.0, 0.0]]


def test_a_flag_of_any_function_costs_what_the_entry_says():
    entry = RewardEntry("a", "x", when_flagged=-0.5)
    flags = [(), ("trick",), ("trick",)]
    assert shape([entry], [1.0, 1.0, None], flags=flags) == [[1.0, -0.5, None]]
    rewards = RewardSet((FORMAT, RewardEntry("equation", "equation", when_flagged=0.0)))
    padded = RIGHT.replace("74 - 15 = 59", "so " * 2000)
    with Scorer(rewards) as scorer:
        sample, honest = scorer.score(make_batch(padded, RIGHT)).samples
    assert sample.flags == ("repetition",) and sample.scores["equation"] == 0.0
    assert honest.scores["equation"] == 1.0


def test_bounds_hold():
    entry = RewardEntry("a", "x", clip_low=-1, clip_high=1)
    assert shape([entry], [5.0, -5.0, 0.5, None]) == [[1, -1, 0.5, None]]
    assert shape([replace(entry, clip_low=None)], [-5.0, 5.0]) == [[-5.0, 1]]


def test_ranks_share_ties_and_go_from_worst_to_best():
    assert rank_within([3.0, 1.0, 2.0]) == [1.0, 0.0, 0.5]
    assert rank_within([1.0, 1.0, 0.0, 5.0]) == [0.5, 0.5, 0.0, 1.0]
    assert rank_within([2.0, 2.0]) == [0.5, 0.5] and rank_within([7.0]) == [0.5]
    assert stretch([10.0, 20.0, 40.0]) == [0.0, pytest.approx(1 / 3), 1.0]
    assert stretch([3.0, 3.0]) == [0.5, 0.5] and stretch([]) == rank_within([]) == []


def test_groups_are_compared_each_for_itself():
    entry = RewardEntry("a", "x", in_group="rank")
    batch = replace(
        make_batch(*"abcdef"),
        prompts=[[{"role": "user", "content": "p"}]] * 6,
        rows=[ROW, ROW, ROW, {**ROW, "target": 7}, {**ROW, "target": 7}, {**ROW, "target": 7}],
    )
    scores = [1.0, 2.0, None, 100.0, 50.0, 75.0]
    assert shape([entry], scores, batch=batch) == [[0.0, 1.0, None, 1.0, 0.0, 0.5]]


@pytest.mark.parametrize(
    ("shaping", "seen", "expected"),
    [({}, [0.2], (0.0, 1.0)), ({}, [-2.0, 5.0], (-2.0, 5.0)),
     ({"clip_low": 2.0}, [], (2.0, 2.0)), ({"clip_high": -1.0}, [], (-1.0, -1.0)),
     ({"clip_low": -3.0, "clip_high": 0.5}, [0.2], (-3.0, 0.5)),
     ({"clip_high": 0.5, "in_group": "rank"}, [0.2], (0.0, 1.0)),
     ({"clip_low": -3.0, "in_group": "min_max"}, [0.0], (0.0, 1.0))],
)  # fmt: skip
def test_a_score_counts_within_its_bounds_and_a_rank_from_zero_to_one(shaping, seen, expected):
    assert score_range(replace(GATED, **shaping), seen) == expected


@pytest.mark.parametrize(
    "entry",
    [replace(GATED, only_if="nobody"), replace(GATED, only_if="equation"),
     replace(GATED, clip_low=1.0, clip_high=0.0), replace(GATED, clip_low=float("nan")),
     replace(GATED, when_flagged=float("inf")), replace(GATED, clip_low=1e308),
     replace(GATED, in_group="median")],
)  # fmt: skip
def test_shaping_that_cannot_be_applied_is_bad_input(entry):
    with pytest.raises(BadInputError):
        check_reward_set(RewardSet((FORMAT, entry)))


def test_ids_of_sets_without_shaping_are_what_they_always_were():
    plain = RewardSet((FORMAT, RewardEntry("equation", "equation")), "countdown")
    assert plain.id == "rw-c9cc314534d8"
    assert "only_if" not in plain.to_json()
    shaped = RewardSet((FORMAT, GATED))
    assert shaped.id != plain.id
    assert RewardSet.from_json(shaped.to_json()) == shaped
    every = replace(GATED, when_flagged=0.0, clip_low=0.0, clip_high=1.0, in_group="rank")
    assert RewardSet.from_json(RewardSet((FORMAT, every)).to_json()).entries[1] == every
    assert asdict(every).keys() == every.as_dict().keys()
    assert json.loads(shaped.to_json())["entries"][1]["only_if"] == "format"
