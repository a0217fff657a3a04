"""A rate limit that all processes of this machine share: its turns are in a file of runs/.

A run, an evaluation and a page that ask one endpoint at once keep its limit together. The file is
read and written under a lock, for the milliseconds that a turn takes to be found. Turns that a
killed process had taken and not used are lost: no more than its judge's `concurrency`. Where the
file cannot be used (a full disk, a folder that may only be read), the process counts for itself.
Processes on other machines are not counted.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from rft_core.rewards.judge.rate_limit import RateLimit, RequestTurn
from rft_core.store.state.process_identity import get_boot_id

LOCK_SECONDS = 1.0  # to wait for another process that takes its turn: it may have been suspended


class SharedRateLimit(RateLimit):
    """As `RateLimit`, by the machine's own clock (`MonotonicClock`): all of it count alike."""

    def __init__(
        self, path: Path, requests_per_minute: int = 0, tokens_per_minute: int = 0
    ) -> None:
        super().__init__(requests_per_minute, tokens_per_minute)
        self._path = path

    def take_turn(self, tokens: int, now: float) -> RequestTurn:
        turn = None
        with suppress(OSError), self._held() as file:
            self._turns = _read(file)
            turn = super().take_turn(tokens, now)
            _write(file, self._turns)
        return turn or super().take_turn(tokens, now)

    def settle(self, turn: RequestTurn, tokens: int) -> None:
        super().settle(turn, tokens)
        with suppress(OSError), self._held() as file:  # else the others go by the estimate
            turns = _read(file)
            for other in turns:
                if other.name == turn.name:
                    other.tokens = tokens
            _write(file, turns)

    @contextmanager
    def _held(self) -> Iterator[IO[str]]:
        """The file, with no other process at it. Raises OSError, also where one stays at it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "r+", encoding="ascii") as file:
            _lock(file)
            yield file


def _lock(file: IO[str]) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _read(file: IO[str]) -> deque[RequestTurn]:
    """Those of this boot, by whose clock they are; none where a write was cut short."""
    try:
        content = json.load(file)
        if content["boot"] == get_boot_id():
            return deque(RequestTurn(*turn) for turn in content["turns"])
    except (ValueError, LookupError, TypeError):
        pass
    return deque()


def _write(file: IO[str], turns: deque[RequestTurn]) -> None:
    held = [(turn.moment, turn.tokens, turn.name) for turn in turns]
    file.seek(0)
    file.truncate()
    json.dump({"boot": get_boot_id(), "turns": held}, file)
    file.flush()
