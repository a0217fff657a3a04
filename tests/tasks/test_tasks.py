"""What every built-in task promises."""

import pytest

from rft_core.errors import BadInputError, NotFoundError, RftError
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS, get_task
from rft_core.tasks.task import Task


@pytest.fixture(params=TASKS.values(), ids=TASKS.keys())
def task(request) -> Task:
    return request.param


def test_gold_earns_the_full_reward(task):
    task.validate()


def test_the_example_row_fits_and_is_asked(task):
    task.check_row(task.example_row)
    assert TASKS[task.name] is task
    assert task.prompt(task.example_row)[-1]["role"] == "user"
    assert task.write_gold(task.example_row)


def test_a_row_without_a_column_is_refused_with_the_rule(task):
    for name in [field.name for field in task.fields if field.required]:
        row = {key: value for key, value in task.example_row.items() if key != name}
        with pytest.raises(BadInputError, match=f"no '{name}'"):
            task.check_row(row)


def test_an_empty_completion_earns_nothing(task):
    with Scorer(task.reward_set) as scorer:
        [sample] = scorer.score(Batch([[]], [""], [task.example_row])).samples
    assert sample.reward == 0.0


def test_reward_and_column_names_are_the_published_ones():
    assert get_task("countdown").reward_set.names == ("format", "equation")
    assert get_task("countdown").columns == {"nums": "[int]", "target": "int"}
    assert get_task("gsm8k").reward_set.names == ("format", "correctness")
    assert list(get_task("word_problems").columns) == ["question", "answer"]


def test_tasks_without_rows_say_what_to_upload():
    with pytest.raises(BadInputError, match="question, answer"):
        get_task("gsm8k").load(10, 10, seed=0)
    with pytest.raises(BadInputError, match="openai/gsm8k"):
        get_task("gsm8k").held_out(10)


def test_an_unknown_task_lists_the_known_ones():
    with pytest.raises(NotFoundError, match="countdown"):
        get_task("no such task")


def test_a_reward_that_its_gold_does_not_satisfy_is_found():
    countdown = get_task("countdown")
    broken = RewardSet((RewardEntry("length", "length", options={"minimum": 10_000}),))
    task = Task(
        name="broken",
        title="",
        description="",
        fields=countdown.fields,
        template=countdown.template,
        reward_set=broken,
        example_row=countdown.example_row,
        write_gold=countdown.write_gold,
    )
    with pytest.raises(RftError, match="full reward"):
        task.validate()


def test_rows_without_a_known_gold_prove_nothing():
    with pytest.raises(RftError, match="no gold completion is known"):
        get_task("gsm8k").validate([{"question": "How many?", "answer": "72"}])


@pytest.mark.parametrize("answer", [72, 72.0, "72", "$72", "... = <<48+24=72>>72\n#### 72"])
def test_a_word_problems_answer_is_a_number_or_a_worked_solution(answer):
    task = get_task("word_problems")
    row = {"question": "How many?", "answer": answer}
    task.check_row(row)
    completion = "<think>48 + 24 = 72</think>\n<answer>72</answer>"
    with Scorer(task.reward_set) as scorer:
        [sample] = scorer.score(Batch([[]], [completion], [row])).samples
    assert sample.scores == {"format": 1.0, "correctness": 1.0}
