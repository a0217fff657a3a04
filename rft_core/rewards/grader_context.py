"""What the graders of one scorer have in common: the step, a secret seed, shared tools.

A grader that sees whole batches is opened with it. Two entries of a reward set may look at the same
execution (a kernel compiles; it is right): they share what makes it, so that every completion runs
once. Nothing here is seen by a candidate.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from rft_core.types import Messages

# (prompts, completions) -> normalised scores; a reward model that is ready to be asked.
ScoreAnswers = Callable[[Sequence[Messages], Sequence[str]], list[float]]
# (run or "" for the run that asks, step or None for the newest) -> its reward model; None: the run
# that asks will train it later. Raises RftError where there is none.
OpenRewardModel = Callable[[str, int | None], ScoreAnswers | None]


class Closeable(Protocol):
    def close(self) -> None: ...


Tool = TypeVar("Tool", bound=Closeable)


class GraderContext:
    """Opened and closed by the scorer; nothing is started before it is first used.

    `open_reward_model`: None where no model can be loaded, as on a page.
    """

    def __init__(self, open_reward_model: OpenRewardModel | None = None) -> None:
        self.open_reward_model = open_reward_model
        self._secret = secrets.token_bytes(16)
        self.step: int | None = None  # of training that is scored; None elsewhere
        self.max_steps: int | None = None
        self._tools: dict[Any, Any] = {}

    @property
    def seed(self) -> int:
        """64 secret bits, the same within a step and other ones in the next: draw hidden cases."""
        text = self._secret + str(self.step).encode()
        return int.from_bytes(hashlib.sha256(text).digest()[:8], "big")

    def start_step(self, step: int | None, max_steps: int | None = None) -> None:
        self.step, self.max_steps = step, max_steps

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
