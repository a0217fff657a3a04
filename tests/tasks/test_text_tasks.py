"""MathQA, instructions and JSON output: what their rewards pay, and what they do not."""

import pytest

from rft_core.data.mapping import suggest_mapping
from rft_core.data.table import Table
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import get_task


def score(name: str, completion: str, row=None) -> dict[str, float | None]:
    task = get_task(name)
    with Scorer(task.reward_set) as scorer:
        batch = Batch([[]], [completion], [row or task.example_row])
        return dict(scorer.score(batch).samples[0].scores)


def test_mathqa_rows_are_read_in_their_published_format():
    columns = ("Problem", "Rationale", "options", "correct")
    row = dict(zip(columns, ("How many?", "It is 2.", "a ) 1 , b ) 2", "b"), strict=True))
    mapping = suggest_mapping(Table("m.csv", "csv", columns, (row,)), get_task("mathqa").fields)
    assert mapping == {"question": "Problem", "options": "options", "answer": "correct",
                       "rationale": "Rationale"}  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "paid"), [("C", 1.0), ("(c)", 1.0), ("A", 0.0), ("A or C", 0.0), ("80", 0.0)]
)
def test_a_choice_is_one_letter(answer, paid):
    text = f"<think>120 / 1.5 = 80</think><answer>{answer}</answer>"
    assert score("mathqa", text) == {"format": 1.0, "correctness": paid}


@pytest.mark.parametrize(("answer", "paid"), [("80", 1.0), ("80 km", 1.0), ("C", 0.0), ("1-80", 0)])
def test_the_numeric_task_wants_the_number(answer, paid):
    text = f"<think>120 / 1.5 = 80</think><answer>{answer}</answer>"
    assert score("mathqa_numeric", text) == {"format": 1.0, "correctness": paid}


def test_json_rows_are_distinct_and_no_person_is_in_two_splits():
    task = get_task("json_output")
    train, validation = task.load(200, 50, seed=1)
    held_out = task.held_out(50)
    splits = [{row["answer"]["name"] for row in rows} for rows in (train, validation, held_out)]
    assert not splits[0] & splits[1] and not splits[0] & splits[2] and not splits[1] & splits[2]
    assert len({row["text"] for row in train}) == 200
    assert task.load(200, 50, seed=1) == (train, validation)


def test_values_count_only_where_the_form_is_right():
    task = get_task("json_output")
    row = task.example_row
    gold = task.write_gold(row)
    assert score("json_output", gold) == {"format": 1.0, "correctness": 1.0}
    as_text = gold.replace(str(row["answer"]["age"]), f'"{row["answer"]["age"]}"')
    assert score("json_output", as_text) == {"format": 0.75, "correctness": 0.0}
    wrong = gold.replace("Ada Berg", "Bob")
    assert score("json_output", wrong) == {"format": 1.0, "correctness": 0.8}
    assert score("json_output", gold + gold) == {"format": 0.0, "correctness": 0.0}


def test_instructions_are_paid_whole_and_in_shares():
    assert score("instructions", "Salt is everywhere.") == {"format": 0.75, "correctness": 0.0}
    assert score("instructions", "") == {"format": 0.0, "correctness": 0.0}
