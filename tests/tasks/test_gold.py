"""Where the completions that SFT learns come from, and what is said where there are none."""

import pytest

from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.tasks import get_task
from rft_core.tasks.gold import list_gold

CHAT = [
    {"role": "user", "content": "one?"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "two?"},
    {"role": "assistant", "content": "<think>easy</think>\n2"},
]


def test_the_task_writes_gold_with_and_without_its_reasoning() -> None:
    task = get_task("countdown")
    rows, _ = task.load(5, 0, 0)
    whole = list_gold(rows, task="countdown")
    assert whole == [task.write_gold(row) for row in rows] and "<think>" in str(whole[0])
    answers = list_gold(rows, task="countdown", reasoning=False)
    for text, answer in zip(whole, answers, strict=True):
        assert answer is not None and text is not None
        assert answer.startswith("<answer>") and text.endswith(answer)


def test_a_column_wins_and_its_empty_cells_are_left_out() -> None:
    rows = [{"a": "x", "messages": CHAT}, {"a": None, "messages": CHAT}, {"a": 3, "messages": []}]
    assert list_gold(rows, task=None, column="a") == ["x", None, "3"]


def test_a_chat_row_asks_all_but_its_last_turn_and_learns_that() -> None:
    row = {"messages": CHAT}
    assert list_gold([row], task=None) == ["<think>easy</think>\n2"]
    assert list_gold([row], task=None, reasoning=False) == ["2"]
    asked = PromptTemplate(system="be brief", user="{{ messages }}").render(row)
    assert asked == [{"role": "system", "content": "be brief"}, *CHAT[:3]]
    assert list_gold([row, {"messages": CHAT[:3]}], task=None) == ["<think>easy</think>\n2", None]


@pytest.mark.parametrize(
    ("rows", "column", "message"),
    [
        ([{"a": 1}], "b", "no column 'b'.*They have a"),
        ([{"a": ""}], "a", "column 'a' is empty"),
        ([{"a": 1}], None, "No row ends in an assistant's turn"),
        ([{"messages": "text"}, {"messages": [{"role": "user"}]}], None, "no gold completion"),
    ],
)
def test_without_any_gold_the_cause_is_named(rows: list, column: str | None, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        list_gold(rows, task=None, column=column)
