"""From other people's files to prompt sets: what is suggested for each, and what is asked."""

import io
import json
from typing import Any

import pandas as pd
import pytest

from rft_core.data.chats import CHAT
from rft_core.data.prompt_set import PromptSet
from rft_core.data.readers.prompt_file import parse_table
from rft_core.errors import BadInputError, NotFoundError
from rft_core.tasks import TASKS
from rft_core.tasks.gold import list_gold
from rft_core.tasks.prompt_import import adopt_prompts, suggest_plan

SYSTEM = {"role": "system", "content": "Think first."}
NUMBERS = range(2, 12)


def import_rows(task: str, rows: list[dict[str, Any]], **columns: str) -> PromptSet:
    """Through Parquet, as the files of verl and DAPO come."""
    file = io.BytesIO()
    pd.DataFrame(rows).to_parquet(file)
    adopted = adopt_prompts(parse_table(file.getvalue(), "mine.parquet"), task)
    return suggest_plan(adopted.table, task, columns).build(adopted.table, "mine")


def ask(number: int) -> dict[str, str]:
    return {"role": "user", "content": f"How many are 2 boxes of {number}?"}


def verl_rows() -> list[dict[str, Any]]:
    return [
        {
            "data_source": "openai/gsm8k",
            "prompt": [SYSTEM, ask(number)],
            "ability": "math",
            "reward_model": {"style": "rule", "ground_truth": str(2 * number)},
            "extra_info": {"index": number, "question": "raw", "answer": f"#### {2 * number}"},
        }
        for number in NUMBERS
    ]


@pytest.mark.parametrize(
    "rows",
    [
        [{"prompt": [SYSTEM, ask(n)], "answer": str(2 * n)} for n in NUMBERS],
        [{"messages": [SYSTEM, ask(n)], "reference_answer": 2 * n} for n in NUMBERS],
        verl_rows(),
        [
            {
                "system": SYSTEM["content"],
                "conversations": [
                    {"from": "human", "value": ask(n)["content"]},
                    {"from": "gpt", "value": f"{n} and {n}.\n#### {2 * n}"},
                ],
            }
            for n in NUMBERS
        ],
    ],
    ids=["trl", "openai", "verl", "sharegpt"],
)
def test_chats_of_every_tool_are_asked_turn_by_turn_with_the_tasks_words(rows) -> None:
    made = import_rows("gsm8k", rows)
    for number, row, messages in zip(NUMBERS, made.rows, made.prompts(), strict=True):
        assert messages[0] == SYSTEM and [turn["role"] for turn in messages] == ["system", "user"]
        words = TASKS["gsm8k"].template.user.replace("{{ question }}", ask(number)["content"])
        assert messages[1]["content"] == words
        assert row["question"] == ask(number)["content"]
        assert str(row["answer"]).endswith(str(2 * number))
        TASKS["gsm8k"].check_row(row)


def test_nested_values_are_mapped_as_they_are_chosen() -> None:
    made = import_rows("gsm8k", verl_rows(), answer="extra_info.answer")
    assert made.rows[0]["answer"] == "#### 4"
    assert made.rows[0]["reward_model"]["ground_truth"] == "4"  # for a reward of one's own
    with pytest.raises(BadInputError, match="does not exist"):
        import_rows("gsm8k", verl_rows(), answer="extra_info.gold")


def test_a_custom_task_asks_chats_as_they_are_and_learns_their_answers() -> None:
    chat = [ask(2), {"role": "assistant", "content": "4"}, ask(3)]
    answered = [*chat, {"role": "assistant", "content": "6"}]
    made = import_rows("custom", [{"messages": answered, "n": n} for n in "ab"])
    assert made.task is None and made.prompts() == [chat, chat]
    assert list_gold(made.rows, task=None) == ["6", "6"]


def test_every_task_that_asks_a_text_has_a_place_for_chats() -> None:
    for name, task in TASKS.items():
        texts = [field.name for field in task.fields if field.kind == "text" and field.required]
        if not texts or name.startswith("triton"):  # asked by its code, which is no chat
            continue
        row = dict(task.example_row) | {"messages": [SYSTEM, ask(7)]}
        del row[texts[0]]
        lines = "\n".join([json.dumps(row)] * 2)
        adopted = adopt_prompts(parse_table(lines.encode(), "mine.jsonl"), name)
        made = suggest_plan(adopted.table, name).build(adopted.table, "mine")
        assert made.mapping.columns[texts[0]] == CHAT, name
        first, last = made.prompts()[0]
        assert first == SYSTEM and ask(7)["content"] in last["content"], name


def test_a_question_beside_a_chat_is_what_the_task_asks() -> None:
    rows = [{"question": "2 + 2?", "answer": "4", "messages": [SYSTEM, ask(2)]}] * 2
    made = import_rows("gsm8k", rows)
    assert [message["role"] for message in made.prompts()[0]] == ["user"]
    assert made.template == TASKS["gsm8k"].template


def test_somebodys_own_row_may_have_a_text_in_the_place_of_the_chat() -> None:
    made = import_rows("gsm8k", verl_rows())
    [asked] = made.ask({"question": "1 + 1?", "answer": "2"})
    assert asked["content"].startswith("1 + 1?\nShow your work")
    assert made.ask(made.rows[0]) == made.prompts()[0]
    with pytest.raises(BadInputError, match="'messages' is undefined"):
        made.ask({"answer": "2"})


def test_an_unknown_task_is_refused_and_so_is_a_field_without_a_column() -> None:
    with pytest.raises(NotFoundError, match="no task named 'nope'"):
        import_rows("nope", verl_rows())
    with pytest.raises(BadInputError, match="No column is chosen for the field 'target'"):
        import_rows("countdown", [{"nums": [1, 2, 3], "prompt": [ask(2)]}])
