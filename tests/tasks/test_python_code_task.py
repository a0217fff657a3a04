"""The rows of python_code are solvable, distinct, kept apart, and not to be guessed."""

import inspect

import pytest

from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import get_task
from rft_core.tasks.python_code import bucket
from rft_core.tasks.python_functions import FUNCTIONS

TASK = get_task("python_code")


def score(row, *completions: str):
    with Scorer(TASK.reward_set) as scorer:
        batch = Batch([[]] * len(completions), completions, [row] * len(completions))
        return scorer.score(batch).samples


def test_there_are_more_than_forty_functions_each_with_a_task_in_words():
    assert len(FUNCTIONS) >= 40
    for function, inputs in FUNCTIONS.items():
        assert len(inspect.signature(function).parameters) == len(inputs), function.__name__
        assert len(function.__doc__ or "") > 40 and (function.__doc__ or "").strip().endswith(".")


def test_every_functions_own_source_earns_the_full_reward():
    rows = TASK.load(41, 6, seed=4)
    rows = [*rows[0], *rows[1], *TASK.held_out(7)]
    assert {row["entry_point"] for row in rows} == {f.__name__ for f in FUNCTIONS}
    TASK.validate(rows)


def test_no_function_is_in_two_splits_and_rows_are_reproducible():
    train, validation = TASK.load(120, 30, seed=1)
    held_out = TASK.held_out(30)
    names = [{row["entry_point"] for row in rows} for rows in (train, validation, held_out)]
    assert names[0] | names[1] | names[2] == {function.__name__ for function in FUNCTIONS}
    assert sum(map(len, names)) == len(FUNCTIONS)
    assert {bucket(name) for name in names[2]} == {"held_out"}
    assert TASK.load(120, 30, seed=1) == (train, validation) != TASK.load(120, 30, seed=2)
    assert len({str(row["tests"] + row["hidden_tests"]) for row in train}) == 120
    for row in train + validation + held_out:
        TASK.check_row(row)


def test_the_prompt_shows_the_visible_tests_and_nothing_else():
    for row in TASK.held_out(7):
        [message] = TASK.prompt(row)
        for arguments, expected in row["tests"]:
            assert f"({str(arguments)[1:-1]}) == {expected!r}" in message["content"]
        assert not any(
            f"({str(arguments)[1:-1]}) ==" in message["content"]
            for arguments, _ in row["hidden_tests"]
        )
        assert row["reference"] not in message["content"]


def test_no_constant_passes_the_hidden_tests():
    train, validation = TASK.load(120, 30, seed=3)
    for row in train + validation + TASK.held_out(30):
        assert len({repr(expected) for _, expected in row["hidden_tests"]}) > 1


@pytest.mark.parametrize("place", range(7))
def test_the_tasks_own_cheats_earn_no_correctness(place):
    row = TASK.held_out(7)[place]
    cheats = TASK.cheats(row)
    for name, sample in zip(cheats, score(row, *cheats.values()), strict=True):
        assert sample.scores["correctness"] == 0.0, (name, sample)


def test_code_is_found_in_an_answer_a_fence_or_alone():
    row = TASK.held_out(1)[0]
    code = row["reference"]
    for text in (
        code,
        f"```python\n{code}```",
        f"Here it is:\n```py\n{code}\n```\nThat prints:\n```\n[1, 2]\n```",
        f"<think>easy</think>{code}",
        f"<think>easy</think><answer>{code}</answer>",
        f"<answer>\n```\n{code}\n```\n</answer>",
        f"```python\n{code}\n```\nUse it so:\n```python\nprint({row['entry_point']})\n```",
    ):
        assert score(row, text)[0].scores["correctness"] == 1.0, text
