"""A clock of the test's own: it moves only when somebody waits by it."""

import asyncio


class JudgeClock:
    """Waiting takes no time, and moves the clock by as much as was asked for."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.time = max(self.time, until)
