"""How an execution ended, in one word; and, where it says nothing of what was run, `Unscored`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    CANDIDATE_ERROR = "candidate_error"  # it raised, or does not compile
    TIMEOUT = "timeout"
    OOM = "oom"
    OUTPUT_LIMIT = "output_limit"  # it printed, answered or wrote more than allowed
    KILLED = "killed"  # it ended before it answered, or answered what is no answer


@dataclass(frozen=True)
class Unscored:
    """Nothing can be said of what was to be run, and never is that a zero.

    `ours`: the sandbox failed. Otherwise it was refused: this machine has no jail.
    """

    reason: str
    ours: bool


class ExecutionError(Exception):
    """An execution gave no answer; the text says why."""

    outcome = Outcome.KILLED


class DeadlineError(ExecutionError):
    outcome = Outcome.TIMEOUT


class OutputLimitError(ExecutionError):
    outcome = Outcome.OUTPUT_LIMIT


class InfrastructureError(ExecutionError):
    """The sandbox failed, not what ran in it."""


class SandboxRefusedError(ExecutionError):
    """This machine cannot lock code in, so none is run."""
