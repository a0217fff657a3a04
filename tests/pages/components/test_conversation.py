"""Conversations: whose words a lane goes on with, and what editing and asking again keep."""

from pages.components.chat.answers import ChatAnswer
from pages.components.chat.conversation import (
    Turn,
    are_together,
    ask_again,
    ask_row,
    ask_text,
    judge_turn,
    lane_messages,
)
from pages.components.chat.lanes import ChatLane
from pages.components.completions.view import as_generation
from rft_core.config import RunConfig
from rft_core.types import Completion
from tests.judgements import make_judgement

BASE, TUNED, NEW = (ChatLane(key, key, RunConfig()) for key in ("base", "tuned", "new"))


def answer(lane: ChatLane, text: str) -> ChatAnswer:
    completion = Completion(text, (1,), truncated=False)
    return ChatAnswer(lane, completion, as_generation(completion), 1.0)


def take_turn(turns: tuple[Turn, ...], text: str, system: str = "") -> tuple[Turn, ...]:
    said = len(turns) + 1
    answers = (answer(BASE, f"base {said}"), answer(TUNED, f"tuned {said}"))
    return (*turns, Turn(ask_text(turns, text, system), answers))


def say(turns: tuple[Turn, ...], lane: ChatLane) -> list[str]:
    """What a lane would answer to next: the contents, the system's marked."""
    messages = lane_messages(turns, ask_text(turns, "next", "Be brief"), lane.key)
    return [("*" if m["role"] == "system" else "") + m["content"] for m in messages]


def test_each_lane_goes_on_with_its_own_answers() -> None:
    turns = take_turn(take_turn((), "one", "Be kind"), "two")
    assert say(turns, BASE) == ["*Be kind", "one", "base 1", "two", "base 2", "next"]
    assert say(turns, TUNED) == ["*Be kind", "one", "tuned 1", "two", "tuned 2", "next"]
    roles = [m["role"] for m in lane_messages(turns, ask_text(turns, "next", ""), "base")]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert not are_together(turns, ask_text(turns, "next", ""), ["base", "tuned"])


def test_lanes_that_go_on_with_one_answer_stay_together() -> None:
    turns = take_turn((), "one")
    judged = (judge_turn(turns[0], make_judgement("j", (2, 1))),)
    assert say(judged, BASE) == say(judged, TUNED) == ["one", "tuned 1", "next"]
    assert are_together(judged, ask_text(judged, "next", ""), ["base", "tuned", "new"])
    skipped = (judge_turn(turns[0], make_judgement("j", None)),)
    assert not are_together(skipped, ask_text(skipped, "next", ""), ["base", "tuned"])


def test_a_lane_that_came_later_takes_the_first_ones_words() -> None:
    assert say(take_turn((), "one"), NEW) == ["one", "base 1", "next"]


def test_a_row_begins_a_conversation_and_text_goes_on_with_it() -> None:
    turns = take_turn((), "one")
    question = ask_row(turns, [{"role": "user", "content": "a row"}], {"n": 1})
    assert lane_messages(turns, question, "base") == [{"role": "user", "content": "a row"}]
    turns = (*turns, Turn(question, (answer(BASE, "base 2"),)))
    assert say(turns, BASE) == ["a row", "base 2", "next"]


def test_an_edited_turn_forgets_what_came_after_and_keeps_what_came_before() -> None:
    turns = take_turn(take_turn(take_turn((), "one", "Be kind"), "two"), "three")
    edited = ask_text(turns, "two, edited", "Be brief", at=1)
    said = [m["content"] for m in lane_messages(turns, edited, "tuned")]
    assert said == ["Be kind", "one", "tuned 1", "two, edited"] and edited.keep == 1
    first = ask_text(turns, "one, edited", "Be brief", at=0)
    said = [m["content"] for m in lane_messages(turns, first, "tuned")]
    assert said == ["Be brief", "one, edited"] and first.begins


def test_asking_again_is_the_same_question_and_the_next_sample() -> None:
    turns = take_turn(take_turn((), "one"), "two")
    again = ask_again(turns)
    assert (again.text, again.keep, again.attempt) == ("two", 1, 1)
    assert lane_messages(turns, again, "base") == lane_messages(turns, turns[1].question, "base")
    assert ask_again((*turns[:1], Turn(again, ()))).attempt == 2
