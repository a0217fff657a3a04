"""At most so many requests and tokens in any minute, and the clock that they are counted by.

The window slides: in no stretch of 60 s are there more than the limit. A bucket that fills up again
would let up to twice as many through, and endpoints count by different windows. What a request
takes in tokens is known only from its answer: until then it counts with an estimate.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

WINDOW = 60.0  # seconds
BYTES_PER_TOKEN = 3  # of text; English has more, so that too few are rarely expected


class WaitingClock(Protocol):
    """What time it is in seconds, and waiting by it."""

    def now(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class MonotonicClock:
    """The clock of this machine, which nobody sets back."""

    def now(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class TimeLeft:
    """The seconds that a question may still take. Waiting for its turn takes none of them."""

    def __init__(self, clock: WaitingClock, seconds: float) -> None:
        self._clock, self._end = clock, clock.now() + seconds

    def seconds(self) -> float:
        return self._end - self._clock.now()

    def give_back(self, seconds: float) -> None:
        self._end += seconds


@dataclass
class RequestTurn:
    """A request's place in time, and the tokens that it counts with. `name`: no other's."""

    moment: float
    tokens: int
    name: str = field(default_factory=lambda: secrets.token_hex(8))


class RateLimit:
    """Turns for requests, first come, first served. 0 stands for no limit. Used from one thread."""

    def __init__(self, requests_per_minute: int = 0, tokens_per_minute: int = 0) -> None:
        self._most_requests, self._most_tokens = requests_per_minute, tokens_per_minute
        self._turns: deque[RequestTurn] = deque()  # by moment
        self.num_requests = 0  # that had a turn so far

    def close(self) -> None:
        """There is nothing to close."""

    def take_turn(self, tokens: int, now: float) -> RequestTurn:
        """When a request of about so many tokens may be sent: now, or later.

        Raises ValueError for one that never may.
        """
        if 0 < self._most_tokens < tokens:
            raise ValueError(
                f"one question takes about {tokens:,} tokens, and tokens_per_minute is "
                f"{self._most_tokens:,}"
            )
        while self._turns and self._turns[0].moment <= now - WINDOW:
            self._turns.popleft()
        moment = max(now, self._turns[-1].moment) if self._turns else now
        for turn in self._turns:
            if self._fits(tokens, moment):
                break
            moment = max(moment, turn.moment + WINDOW)  # then this one no longer counts
        turn = RequestTurn(moment, tokens)
        self._turns.append(turn)
        self.num_requests += 1
        return turn

    def settle(self, turn: RequestTurn, tokens: int) -> None:
        """What the request has really taken, as its answer says."""
        turn.tokens = tokens

    def _fits(self, tokens: int, moment: float) -> bool:
        counted = [turn.tokens for turn in self._turns if turn.moment > moment - WINDOW]
        return (not self._most_requests or len(counted) < self._most_requests) and (
            not self._most_tokens or sum(counted) + tokens <= self._most_tokens
        )


def estimate_tokens(text: str) -> int:
    """Of a text in any language, rather too many than too few."""
    return len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN + 1
