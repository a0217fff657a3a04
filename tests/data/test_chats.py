"""Chats in cells: every spelling becomes the same turns; what cannot be asked says why."""

import json

import pytest

from rft_core.data.chats import find_turns, get_asked, read_chat, split_chat, split_reference

SYSTEM = {"role": "system", "content": "Think first."}
USER = {"role": "user", "content": "2 + 2?"}
ASSISTANT = {"role": "assistant", "content": "4"}
CHAT = [SYSTEM, USER, ASSISTANT]


@pytest.mark.parametrize(
    "cell",
    [
        CHAT,
        json.dumps(CHAT),
        str(CHAT),
        [{"speaker": "system", "text": "Think first."}, {"role": "user", "text": "2 + 2?"},
         {"speaker": "Assistant", "text": "4"}],
        [{"from": "system", "value": "Think first."}, {"from": "human", "value": "2 + 2?"},
         {"from": "gpt", "value": "4"}],
        [{"role": "developer", "content": "Think first."},
         {"role": "user", "content": [{"type": "text", "text": "2 "}, "+ 2?"]},
         {"role": "Assistant", "content": "4", "tool_calls": None, "name": "x"}],
    ],
)  # fmt: skip
def test_every_spelling_becomes_the_same_turns(cell):
    assert read_chat(cell) == CHAT


def test_a_text_is_what_a_user_says():
    assert read_chat("2 + 2?") == [USER]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ([USER, {"role": "tool", "content": "4"}], "turn 2 of its chat has the role 'tool'"),
        ([{"from": "observation", "value": "4"}], "has the role 'observation'"),
        ([USER, {**ASSISTANT, "tool_calls": [{"id": "1"}]}], "turn 2 of its chat calls a tool"),
        ([{"role": "user", "content": [{"type": "image_url"}]}], "holds 'image_url', not only"),
        ([{"role": "user", "content": {"a": 1}}], "not only text"),
        ([], "there is no chat"),
        (None, "there is no chat"),
        (["2 + 2?"], "is no chat"),
        ([{"question": "2 + 2?"}], "is no chat"),
    ],
)
def test_what_cannot_be_asked_says_why(cell, why):
    with pytest.raises(ValueError, match=why):
        read_chat(cell)


@pytest.mark.parametrize(
    "cell",
    ["a text", "[1, 2", "[1, 2]", [1], [], {}, [{"kind": "title"}], [[USER]], None, 7,
     "[{'role': 'user'", "[{'role': open('x'), 'content': 'y'}]", [{"from": "Paris", "text": "x"}],
     [{"speaker": "Ann", "text": "Hello."}, {"speaker": "Bob", "text": "Hi."}]],
)  # fmt: skip
def test_other_cells_hold_no_turns(cell):
    assert find_turns(cell) is None


def test_only_a_last_turn_of_the_assistant_is_the_reference():
    assert split_reference(CHAT) == ([SYSTEM, USER], "4")
    assert split_reference([USER, ASSISTANT, USER]) == ([USER, ASSISTANT, USER], "")
    assert get_asked({"messages": CHAT}) == [SYSTEM, USER]
    assert split_chat({"messages": CHAT}) == ([SYSTEM, USER], "4")
    assert split_chat({"messages": [USER]}) is None
    assert get_asked({"messages": "2 + 2?"}) is None
    assert get_asked({"messages": [{"from": "human", "value": "x"}]}) is None
    assert get_asked({"question": "2 + 2?"}) is None
