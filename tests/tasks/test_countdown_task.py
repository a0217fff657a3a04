"""Countdown's rows are solvable, distinct, reproducible, and kept apart."""

import random

import pytest

from rft_core.embedded.countdown_text import sample_row
from rft_core.errors import BadInputError
from rft_core.rewards.answers.equation import grade_equation
from rft_core.tasks import get_task
from rft_core.tasks.countdown import bucket, list_solutions

COUNTDOWN, EASY = get_task("countdown"), get_task("countdown-easy")


def key(row):
    return (tuple(sorted(row["nums"])), row["target"])


def test_the_prompt_is_the_one_of_the_walk_through():
    assert COUNTDOWN.prompt({"nums": [15, 74, 9], "target": 50}) == [
        {
            "role": "user",
            "content": "Using the numbers [15, 74, 9], create an equation that equals 50. You can "
            "use basic arithmetic operations (+, -, *, /) and each number must be used exactly "
            "once. Show your work in <think> </think> tags, and return the final equation in "
            "<answer> </answer> tags, for example <answer> (1 + 2) / 3 </answer>.",
        }
    ]


@pytest.mark.parametrize("task", [COUNTDOWN, EASY], ids=["countdown", "countdown-easy"])
def test_rows_are_distinct_typed_and_in_range(task):
    train, validation = task.load(300, 60, seed=1)
    rows = train + validation + task.held_out(60)
    assert len({key(row) for row in rows}) == 420
    largest = 99 if task is COUNTDOWN else 20
    for row in rows:
        task.check_row(row)
        assert len(row["nums"]) == 3
        assert all(1 <= number <= largest for number in row["nums"])
        assert 1 <= row["target"] <= 100


@pytest.mark.parametrize("task", [COUNTDOWN, EASY], ids=["countdown", "countdown-easy"])
def test_the_splits_share_no_numbers_whatever_their_seeds(task):
    train, validation = task.load(400, 80, seed=1)
    _, other_validation = task.load(0, 80, seed=2)
    splits = [train, validation + other_validation, task.held_out(80, seed=3)]
    one, two, three = ({tuple(sorted(row["nums"])) for row in rows} for rows in splits)
    assert not (one & two or one & three or two & three)


def test_the_same_seed_gives_the_same_rows_and_more_prompts_only_add():
    assert COUNTDOWN.load(50, 10, seed=5) == COUNTDOWN.load(50, 10, seed=5)
    assert COUNTDOWN.load(50, 10, seed=5)[0] == COUNTDOWN.load(80, 10, seed=5)[0][:50]
    assert COUNTDOWN.load(50, 10, seed=5)[0] != COUNTDOWN.load(50, 10, seed=6)[0]


def test_the_bucket_ignores_order_and_keeps_the_showcase_out_of_training():
    assert {bucket([15, 74, 9]), bucket((9, 15, 74))} == {"held_out"}
    assert bucket([3, 1, 2]) == bucket((1, 2, 3))
    rng = random.Random(0)
    found = [bucket([rng.randint(1, 99) for _ in range(3)]) for _ in range(4000)]
    assert 0.85 < found.count("train") / 4000 < 0.9
    assert 0.04 < found.count("validation") / 4000 < 0.09


def test_the_embedded_models_text_is_made_of_training_numbers_alone():
    rng = random.Random(1)
    assert {bucket(sample_row(rng)["nums"]) for _ in range(500)} == {"train"}


def test_every_solution_is_what_it_says():
    for nums in ([15, 74, 9], [2, 2, 8], [99, 33, 3], [1, 1, 1]):
        for solution in list_solutions(nums):
            completion = f"<answer>{solution.expression}</answer>"
            row = {"nums": nums, "target": solution.value}
            assert grade_equation(completion, row).score == 1.0, solution


def test_asking_for_more_rows_than_there_are_is_bad_input():
    with pytest.raises(BadInputError, match="Ask for fewer"):
        EASY.load(0, 3000, seed=0)


def test_gold_is_unknown_for_what_cannot_be_reached():
    assert COUNTDOWN.write_gold({"nums": [1, 1, 1], "target": 99}) is None
    assert COUNTDOWN.write_gold({"nums": [1] * 9, "target": 9}) is None
    assert COUNTDOWN.write_gold({"nums": [7], "target": 7}) == (
        "<think>7 = 7</think>\n<answer>7</answer>"
    )
