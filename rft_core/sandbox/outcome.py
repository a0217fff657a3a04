"""How an execution ended, in one word. Only failures of our own, and refusals, are unscored."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    CANDIDATE_ERROR = "candidate_error"  # it raised, or does not compile
    TIMEOUT = "timeout"
    OOM = "oom"
    OUTPUT_LIMIT = "output_limit"  # it printed, answered or wrote more than allowed
    KILLED = "killed"  # it ended before it answered, or answered what is no answer
    REFUSED = "refused"  # never run: this machine has no jail
    INFRA_ERROR = "infra_error"  # the sandbox failed, not what ran in it

    @property
    def is_scored(self) -> bool:
        return self not in (Outcome.REFUSED, Outcome.INFRA_ERROR)


class ExecutionError(Exception):
    """An execution gave no answer; the text says why."""

    outcome = Outcome.KILLED


class DeadlineError(ExecutionError):
    outcome = Outcome.TIMEOUT


class OutputLimitError(ExecutionError):
    outcome = Outcome.OUTPUT_LIMIT


class InfrastructureError(ExecutionError):
    outcome = Outcome.INFRA_ERROR


class SandboxRefusedError(ExecutionError):
    """This machine cannot lock code in, so none is run."""

    outcome = Outcome.REFUSED
