"""Rows as other tools write them: chats and Alpaca's, and what is left alone."""

import json

import pytest

from rft_core.data.readers.prompt_file import parse_table
from rft_core.data.row_forms import adopt_rows, find_chat_column
from rft_core.errors import BadInputError

SYSTEM = {"role": "system", "content": "Think first."}
USER = {"role": "user", "content": "2 + 2?"}
ASSISTANT = {"role": "assistant", "content": "4"}


def table(*rows):
    return parse_table("\n".join(map(json.dumps, rows)).encode(), "mine.jsonl")


def adopt(*rows):
    return adopt_rows(table(*rows))


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": [SYSTEM, USER], "answer": "4"},
        {"messages": [SYSTEM, USER], "answer": "4"},
        {"conversations": [{"from": "human", "value": "2 + 2?"}], "system": "Think first.",
         "answer": "4"},
        {"body": {"messages": [SYSTEM, USER]}, "answer": "4"},
        {"dialog_1": json.dumps([SYSTEM, USER]), "answer": "4"},
        {"instruction": "2 +", "input": "2?", "system": "Think first.", "answer": "4"},
    ],
)  # fmt: skip
def test_chats_of_every_tool_become_messages(row):
    adopted = adopt(row, row)
    [first, _] = adopted.table.rows
    assert [turn["role"] for turn in first["messages"]] == ["system", "user"]
    assert " ".join(first["messages"][1]["content"].split()) == "2 + 2?"
    assert first["messages"][0] == SYSTEM
    assert first["answer"] == "4" and "completion" not in first
    assert "messages" in adopted.remark and not adopted.notice


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [SYSTEM, USER, ASSISTANT]},
        {"prompt": [SYSTEM, USER], "completion": [ASSISTANT]},
        {"prompt": [SYSTEM, USER], "completion": "4"},
        {"conversations": [{"from": "human", "value": "2 + 2?"}, {"from": "gpt", "value": "4"}],
         "system": "Think first."},
    ],
)  # fmt: skip
def test_an_answer_of_the_assistant_is_the_reference_and_the_end_of_the_chat(row):
    [first] = adopt(row).table.rows
    assert first == {"messages": [SYSTEM, USER, ASSISTANT], "completion": "4"}


def test_turns_in_between_stay_and_a_reference_beside_a_chat_is_kept():
    row = {"messages": [USER, ASSISTANT, USER], "completion": "four"}
    [first] = adopt(row).table.rows
    assert first["messages"] == [USER, ASSISTANT, USER, {**ASSISTANT, "content": "four"}]
    [first] = adopt({"messages": [USER, ASSISTANT], "reference_answer": "IV"}).table.rows
    assert (first["completion"], first["reference_answer"]) == ("4", "IV")


def test_the_chat_that_asks_is_chosen_among_several():
    assert find_chat_column(table({"chosen": [USER, ASSISTANT], "prompt": [USER]})) == "prompt"
    assert find_chat_column(table({"other": [USER], "messages": [USER]})) == "messages"
    assert find_chat_column(table({"chosen": [USER, ASSISTANT]})) is None
    assert find_chat_column(table({"prompt": "2 + 2?", "tests": [{"a": 1}]})) is None


def test_rows_without_a_question_are_left_out_and_counted():
    adopted = adopt(
        {"messages": [USER]}, {"messages": [SYSTEM]}, {"messages": [ASSISTANT]},
        {"messages": None}, {"messages": [USER, {"role": "tool", "content": "4"}]},
    )  # fmt: skip
    assert [row["messages"] for row in adopted.table.rows] == [[USER]]
    assert "4 of 5 rows of chats cannot be used: Row 2: its chat has no turn" in adopted.notice
    assert "Row 4: there is no chat" in adopted.notice


def test_a_file_without_one_usable_chat_is_refused_with_the_way():
    with pytest.raises(BadInputError) as caught:
        adopt({"messages": [USER, {"role": "tool", "content": "4"}]})
    assert (
        "the role 'tool'" in str(caught.value) and "system, user and assistant" in caught.value.fix
    )
    with pytest.raises(BadInputError, match="holds no chats"):
        adopt({"prompt": [USER], "messages": 7})


def test_alpacas_input_is_in_the_prompt():
    adopted = adopt(
        {"instruction": "Solve.", "input": "2+3?", "output": "5"},
        {"instruction": "Say hi.", "input": "", "output": "hi"},
    )
    assert [row["prompt"] for row in adopted.table.rows] == ["Solve.\n2+3?", "Say hi."]
    history = {"instruction": "And", "input": "3+3?", "history": [["2+3?", "5"]]}
    [first] = adopt(history).table.rows
    assert [turn["content"] for turn in first["messages"]] == ["2+3?", "5", "And\n3+3?"]


@pytest.mark.parametrize(
    "row",
    [
        {"question": "2 + 2?", "answer": "4"},
        {"instruction": "Solve 2 + 2.", "answer": "4"},
        {"instruction": "Solve.", "input": [1, 2], "answer": 3},
        {"instruction": "a", "input": "b", "prompt": "mine"},
        {"prompt": "Write.", "constraints": [{"kind": "title"}]},
    ],
)
def test_other_rows_stay_as_they_are(row):
    adopted = adopt(row)
    assert adopted.table.rows == (row,) and not adopted.remark


def test_a_reference_that_is_one_turn_of_the_assistant_is_its_text():
    row = {"prompt": "2 + 2?", "completion": [ASSISTANT]}
    assert adopt(row, row).table.rows[0] == {"prompt": "2 + 2?", "completion": "4"}
    others = {"prompt": "2 + 2?", "completion": [USER, ASSISTANT]}
    assert adopt(others).table.rows[0] == others
