"""What the graders of one scorer have in common: the step, a secret seed, shared tools.

A grader that sees whole batches is opened with it. Two entries of a reward set may look at the same
execution (a kernel compiles; it is right): they share what makes it, so that every completion runs
once. Nothing here is seen by a candidate.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, Protocol, TypeVar


class Closeable(Protocol):
    def close(self) -> None: ...


Tool = TypeVar("Tool", bound=Closeable)


class GraderContext:
    """Opened and closed by the scorer; nothing is started before it is first used."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(16)
        self.step: int | None = None  # of training that is scored; None elsewhere
        self._tools: dict[Any, Any] = {}

    @property
    def seed(self) -> int:
        """64 secret bits, the same within a step and other ones in the next: draw hidden cases."""
        text = self._secret + str(self.step).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")

    def start_step(self, step: int | None) -> None:
        self.step = step

    def share(self, make: Callable[[GraderContext], Tool]) -> Tool:
        """What `make` made when it was first asked for here; closed with the context."""
        return self.share_as(make, lambda: make(self))

    def share_as(self, key: Any, make: Callable[[], Tool]) -> Tool:
        """What was first made here for that key; closed with the context."""
        if key not in self._tools:
            self._tools[key] = make()
        tool: Tool = self._tools[key]
        return tool

    def close(self) -> None:
        for tool in self._tools.values():
            tool.close()
        self._tools.clear()
