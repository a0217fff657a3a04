"""A conversation in turns, where every lane goes on with its own answers. Shows nothing.

A lane's history is what it said itself: the lanes of one conversation drift apart, as the models
would. Where they are to stay together, to be compared turn by turn, a turn names the lane with
whose answer all go on. A row is a question of its own: it begins a new conversation, since what a
run trains on are single questions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from pages.components.chat.answers import ChatAnswer
from pages.components.preferences.ballot import BallotItem
from rft_core.store.preferences import Judgement
from rft_core.types import Message, Messages, Row


@dataclass(frozen=True)
class ChatQuestion:
    """What is asked next. `added`: messages that every lane's conversation grows by.

    `row`: what it was rendered from; empty for free text. `keep`: how many turns stay before it.
    `attempt`: which of the answers to it, counted from 0; another one is another sample.
    """

    added: tuple[Message, ...]
    keep: int
    row: Row = field(default_factory=dict)
    begins: bool = False
    attempt: int = 0

    @property
    def text(self) -> str:
        return self.added[-1]["content"]

    @property
    def system(self) -> str:
        """The system message that it brings; empty where it brings none."""
        return next((m["content"] for m in self.added if m["role"] == "system"), "")


@dataclass(frozen=True)
class Turn:
    """`answers` in the order of the screen. `goes_on_with`: the key of a lane; None: each its own.

    `item`: what is still to be judged; until then the lanes may have no names.
    """

    question: ChatQuestion
    answers: tuple[ChatAnswer, ...]
    goes_on_with: str | None = None
    item: BallotItem | None = None
    judgement: Judgement | None = None


def ask_text(
    turns: Sequence[Turn], text: str, system: str, *, at: int | None = None
) -> ChatQuestion:
    """Free text after the first `at` turns (all by default); `system` where it begins one."""
    keep = len(turns) if at is None else at
    begins = keep == 0 or (keep < len(turns) and turns[keep].question.begins)
    user = {"role": "user", "content": text}
    with_system = begins and bool(system.strip())
    added = ({"role": "system", "content": system}, user) if with_system else (user,)
    return ChatQuestion(added, keep, begins=begins)


def ask_row(
    turns: Sequence[Turn], messages: Messages, row: Row, *, at: int | None = None
) -> ChatQuestion:
    """A row as its template renders it: a conversation of its own."""
    return ChatQuestion(tuple(messages), len(turns) if at is None else at, row=row, begins=True)


def ask_again(turns: Sequence[Turn]) -> ChatQuestion:
    """The last question once more, answered by the next samples."""
    last = turns[-1].question
    return replace(last, keep=len(turns) - 1, attempt=last.attempt + 1)


def lane_messages(turns: Sequence[Turn], question: ChatQuestion, lane: str) -> list[Message]:
    """What a lane answers: the running conversation as it has had it, and the question.

    A lane that was not there for an earlier turn takes what the first one said for its own.
    """
    messages: list[Message] = []
    for turn in _running(turns[: question.keep], question):
        messages += [*turn.question.added, _as_message(_answer_of(turn, lane))]
    return [*messages, *question.added]


def are_together(turns: Sequence[Turn], question: ChatQuestion, lanes: Sequence[str]) -> bool:
    """Whether all lanes answer the very same messages, so that their answers can be compared."""
    first, *others = [lane_messages(turns, question, lane) for lane in lanes]
    return all(messages == first for messages in others)


def judge_turn(turn: Turn, judgement: Judgement) -> Turn:
    """Judged: the lanes show their names, and all go on with the answer that came first."""
    ranks = judgement.ranks
    best = None if ranks is None else turn.answers[ranks.index(1)].lane.key
    return replace(turn, item=None, judgement=judgement, goes_on_with=best)


def _running(turns: Sequence[Turn], question: ChatQuestion) -> Sequence[Turn]:
    """The turns since the conversation began."""
    if question.begins:
        return []
    start = max((at for at, turn in enumerate(turns) if turn.question.begins), default=0)
    return turns[start:]


def _answer_of(turn: Turn, lane: str) -> ChatAnswer:
    wanted = turn.goes_on_with or lane
    return next((a for a in turn.answers if a.lane.key == wanted), turn.answers[0])


def _as_message(answer: ChatAnswer) -> Message:
    return {"role": "assistant", "content": answer.completion.text}
