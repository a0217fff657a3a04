"""What counts as a right answer."""

import json
from dataclasses import replace

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.rewards.deciding import find_deciding, find_paid_deciding, is_right, without_taste
from rft_core.rewards.scorer import check_reward_set
from rft_core.tasks import TASKS


def scored(**scores: float | None) -> Scored:
    return Scored(scores, None, {})


def rewards(**weights: float) -> RewardSet:
    return RewardSet(
        tuple(RewardEntry(name, "exact_match", weight) for name, weight in weights.items())
    )


@pytest.mark.parametrize(
    ("reward_set", "sample", "right"),
    [
        (rewards(format=1, correctness=1), scored(format=0.0, correctness=1.0), True),
        (rewards(format=1, equation=1), scored(format=1.0, equation=0.0), False),
        (rewards(correctness=1), scored(correctness=0.9), False),
        (rewards(correctness=1), scored(correctness=None), None),
        (rewards(a=1, b=2, logged=0), scored(a=1.0, b=1.0, logged=0.0), True),
        (rewards(a=1, b=2), scored(a=1.0, b=0.5), False),
        (rewards(format=1, a=1), scored(format=0.0, a=1.0), True),
        (rewards(format=1), scored(format=0.5), False),
        (rewards(correctness=0, a=1), scored(correctness=0.0, a=1.0), False),
        (rewards(a=1, b=2), scored(a=1.0, b=None), None),
    ],
)
def test_right(reward_set: RewardSet, sample: Scored, right: bool | None) -> None:
    assert is_right(reward_set, sample) is right


@pytest.mark.parametrize(
    ("truth", "sample", "right"),
    [
        (("solves",), scored(correctness=0.0, solves=1.0, style=0.0), True),
        (("solves",), scored(correctness=1.0, solves=0.9, style=1.0), False),
        (("solves", "style"), scored(correctness=0.0, solves=1.0, style=1.0), True),
        (("solves", "style"), scored(correctness=1.0, solves=1.0, style=None), None),
        ((), scored(correctness=1.0, solves=0.0, style=0.0), True),
    ],
)
def test_a_set_says_itself_what_is_right(
    truth: tuple[str, ...], sample: Scored, right: bool | None
) -> None:
    asked = replace(rewards(correctness=1, solves=1, style=0.5), truth=truth)
    assert is_right(asked, sample) is right
    assert is_right(RewardSet.from_json(asked.to_json()), sample) is right


def test_what_is_right_is_a_part_of_a_set_s_identity() -> None:
    silent = rewards(correctness=1, solves=1)
    assert replace(silent, truth=("solves",)).id != silent.id
    assert replace(silent, truth=("correctness",)).id == silent.id  # that is how it is read
    assert replace(silent, name="other").id == silent.id


def test_training_can_only_bring_about_what_is_paid() -> None:
    asked = replace(rewards(a=1, b=0, c=1), truth=("a", "b"))
    assert [entry.name for entry in find_deciding(asked)] == ["a", "b"]
    assert [entry.name for entry in find_paid_deciding(asked)] == ["a"]
    unpaid = replace(rewards(a=1, b=0, c=1), truth=("b",))
    assert [entry.name for entry in find_paid_deciding(unpaid)] == ["a", "c"]


def test_a_set_stored_before_sets_could_say_it_means_what_it_meant() -> None:
    entries = [
        {"name": "format", "grader": "format", "weight": 1.0, "options": {}, "source": None},
        {"name": "extra", "grader": "length", "weight": 1.0, "options": {}, "source": None},
        {"name": "equation", "grader": "equation", "weight": 1.0, "options": {}, "source": None},
    ]
    stored = RewardSet.from_json(json.dumps({"name": "old", "entries": entries}))
    assert stored.id == "rw-6683a82ba5c0"
    assert [entry.name for entry in find_deciding(stored)] == ["equation"]
    for form in ("format", "compilation", "length", "repetition", "regex", "speed"):
        assert [entry.name for entry in find_deciding(rewards(**{form: 1, "b": 1}))] == ["b"]


@pytest.mark.parametrize(
    ("task", "id"),
    [
        ("countdown", "rw-c9cc314534d8"),
        ("countdown-easy", "rw-c9cc314534d8"),
        ("gsm8k", "rw-8c252d3be9ef"),
        ("gsm8k_program", "rw-3371d8500e36"),
        ("instructions", "rw-c2377ae710ed"),
        ("instructions-easy", "rw-c2377ae710ed"),
        ("json_output", "rw-5541f07da139"),
        ("mathqa", "rw-7fed1c7245ae"),
        ("mathqa_numeric", "rw-8c252d3be9ef"),
        ("mathqa_program", "rw-3371d8500e36"),
        ("python_code", "rw-1d9b69643a74"),
        ("triton_kernels", "rw-6615b91ea19b"),
        ("triton_kernels-easy", "rw-6615b91ea19b"),
        ("word_problems", "rw-8c252d3be9ef"),
        ("word_problems_program", "rw-3371d8500e36"),
    ],
)
def test_a_task_that_says_it_keeps_the_identity_under_which_runs_know_its_rewards(
    task: str, id: str
) -> None:
    assert TASKS[task].reward_set.truth
    assert TASKS[task].reward_set.id == id


def test_the_truth_is_a_function_of_the_set() -> None:
    with pytest.raises(BadInputError, match="'b' is to say what is right"):
        check_reward_set(replace(rewards(a=1), truth=("b",)))


def test_a_reward_model_is_left_out_where_no_verdict_depends_on_it() -> None:
    rule, taste = RewardEntry("rule", "regex"), RewardEntry("taste", "reward_model")
    gated = RewardEntry("rule", "regex", only_if="taste")
    for entries, kept in (
        ((rule, taste), ("rule",)),
        ((taste,), ("taste",)),
        ((gated, taste), ("rule", "taste")),
    ):
        assert without_taste(RewardSet(entries)).names == kept
