"""Ask many questions at the same time: each in its time, none of an endpoint that is silent.

A reply that cannot be read is asked for once more. Every reply is kept, also of a question that
stayed without an answer: it was paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.judge.chat_endpoint import ChatEndpoint, ChatReply, EndpointError
from rft_core.rewards.judge.inquiries import Inquiry, Marks
from rft_core.rewards.judge.rate_limit import TimeLeft, WaitingClock

ATTEMPTS = 2  # to get a reply that can be read


@dataclass(frozen=True)
class InquiryOutcome:
    """What came of one question: marks, or why there are none; and all replies."""

    marks: Marks | str
    replies: tuple[ChatReply, ...] = ()


class _UnansweredTime:
    """For how many seconds an endpoint was being asked since it last gave a usable answer."""

    def __init__(self, clock: WaitingClock) -> None:
        self._clock, self._open, self._seconds, self._since = clock, 0, 0.0, 0.0

    def seconds(self) -> float:
        return self._seconds + (self._clock.now() - self._since if self._open else 0.0)

    def begin(self) -> None:
        if not self._open:
            self._since = self._clock.now()
        self._open += 1

    def end(self, *, answered: bool) -> None:
        self._seconds = 0.0 if answered else self.seconds()
        self._since = self._clock.now()
        self._open -= 1


async def ask_all(
    endpoint: ChatEndpoint,
    inquiries: Mapping[str, Inquiry],
    *,
    timeout: float,
    concurrency: int,
    max_tokens: int,
) -> dict[str, InquiryOutcome]:
    """What came of each inquiry, by its key. `timeout`: seconds for each, from its turn on."""
    places, unanswered = asyncio.Semaphore(concurrency), _UnansweredTime(endpoint.clock)

    async def ask(inquiry: Inquiry) -> InquiryOutcome:
        if inquiry.settled is not None:
            return InquiryOutcome(inquiry.settled)
        if isinstance(inquiry.question, str):
            return InquiryOutcome(inquiry.question)
        async with places:
            if unanswered.seconds() > timeout:
                return InquiryOutcome(f"the endpoint has given no score for {timeout:.3g} s")
            unanswered.begin()
            answered = False
            try:
                asked = await _ask(endpoint, inquiry, timeout, max_tokens)
                answered = not isinstance(asked.marks, str)
            finally:
                unanswered.end(answered=answered)
            return asked

    answers = await asyncio.gather(*map(ask, inquiries.values()))
    return dict(zip(inquiries, answers, strict=True))


async def _ask(
    endpoint: ChatEndpoint, inquiry: Inquiry, timeout: float, max_tokens: int
) -> InquiryOutcome:
    assert not isinstance(inquiry.question, str)
    time_left, problem = TimeLeft(endpoint.clock, timeout), ""
    replies: list[ChatReply] = []
    settings: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
    try:
        for _ in range(ATTEMPTS):
            reply = await endpoint.ask(inquiry.question, time_left, **settings)
            replies.append(reply)
            try:
                marks = inquiry.read(reply.text)
            except ValueError as error:
                problem = str(error)
                if reply.finish_reason == "length":
                    problem += f": it was cut off after max_tokens={max_tokens}, raise that"
            else:
                masked = [(score, endpoint.mask(reason)) for score, reason in marks]
                return InquiryOutcome(masked, tuple(replies))
    except EndpointError as error:
        problem = str(error)
    return InquiryOutcome(endpoint.mask(problem), tuple(replies))
