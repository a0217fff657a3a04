"""What a search for a lie found, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

LieEnding = Literal["found", "seconds", "calls", "nothing at stake"]


@dataclass(frozen=True)
class Lie:
    """A completion that is paid in full and wrong.

    `full_pay`: the most that a right completion of the prompt was seen to earn. `reason`: why the
    check says no. `origin`: what it was shrunk from, and `first_length` how long that was.
    `is_minimal`: nothing can be removed from it, be it a line, a token or a character.
    """

    prompt: int
    completion: str
    reward: float
    full_pay: float
    scores: Mapping[str, float | None]
    reasons: Mapping[str, str]
    flags: tuple[str, ...]
    reason: str
    origin: str
    first_length: int
    is_minimal: bool


@dataclass(frozen=True)
class LieReport:
    """`tried`: different completions scored; `judged`: those that the check looked at, as they
    are paid in full. `remarks`: prompts that could not be searched, and why."""

    lie: Lie | None
    check: str
    prompts: int
    tried: int
    judged: int
    calls: int
    seconds: float
    ending: LieEnding
    seed: int
    remarks: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """One sentence. That nothing was found proves nothing, and it says so."""
        tries = f"{self.tried:,} {'try' if self.tried == 1 else 'tries'}"
        if self.lie:
            length = len(self.lie.completion)
            signs = "1 character" if length == 1 else f"{length:,} characters"
            what = f"A completion of {signs}" if length else "An empty completion"
            return f"{what} is paid in full and wrong (found in {tries}, {self.seconds:.0f} s)."
        if self.ending == "nothing at stake":
            return f"Nothing could be searched: no prompt pays for anything ({tries})."
        return (
            f"No lie found in {tries} ({self.seconds:.0f} s). That is a result of this search, "
            "not a proof that there is none."
        )
