"""What an independent check says of a completion, and how a check is asked.

A check is a function from candidates to opinions. `right` None means that it could not judge: such
a completion is no lie, whatever it earns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_core.diagnosis.probes.target import Target
from rft_core.rewards.contract import Scored


@dataclass(frozen=True)
class Candidate:
    """A completion of one prompt; `origin` says in words where it comes from."""

    target: Target
    prompt: int
    text: str
    origin: str = ""


@dataclass(frozen=True)
class Opinion:
    """Whether a completion is right, None where that cannot be said, and why."""

    right: bool | None
    reason: str = ""


Score = Callable[[Sequence[Candidate]], Sequence[Scored]]
Judge = Callable[[Sequence[Candidate]], Sequence[Opinion]]
