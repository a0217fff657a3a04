"""A run's state, derived from evidence: commands asked, the lock held, what the worker wrote.

No process writes "running" anywhere; a dead one could not take it back. What came first is told by
the commands' order and by which command a worker answers, never by comparing clocks. `RULES` is the
table from evidence to state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rft_core.store.commands import STOP_KINDS, Command, get_last_start
from rft_core.store.run_reader import WorkerLife
from rft_core.store.state.evidence import Evidence

# The first row whose facts all hold gives the state. `Facts` says what each of them means.
RULES: tuple[tuple[str, tuple[str, ...]], ...] = (
    # A worker holds the run's lock.
    ("stopping", ("locked", "stop_wanted")),
    ("running", ("locked", "begun")),
    ("running", ("locked", "unreadable")),
    ("starting", ("locked",)),
    # No worker does.
    ("queued", ("waiting", "not stop_wanted")),
    ("unreadable", ("unreadable", "not worker_is_open")),
    # The last request to start was not answered by a worker's attempt, or not yet: the worker is on
    # its way, or gone, and the living supervisor will note which.
    ("stopping", ("asked", "not answered", "worker_is_open", "stop_wanted")),
    ("starting", ("asked", "not answered", "worker_is_open")),
    ("stopped", ("asked", "not answered", "stop_wanted")),
    ("failed", ("asked", "not answered", "not_started")),
    ("crashed", ("asked", "not answered")),
    ("queued", ("not answered",)),
    # It was: the worker said how it ended, or was killed because somebody asked for that, or not.
    ("finished", ("said_finished",)),
    ("stopped", ("said_stopped",)),
    ("failed", ("said_failed",)),
    ("needs_attention", ("said_needs_attention",)),
    ("stopped", ("killed_on_request",)),
    ("crashed", ()),
)
ACTIVE_STATES = ("queued", "starting", "running", "stopping")
STOPPABLE_STATES = ("queued", "starting", "running")
RESUMABLE_STATES = ("stopped", "failed", "crashed", "needs_attention")
TROUBLE_STATES = ("failed", "crashed", "needs_attention", "unreadable")
KILLED_ON_REQUEST = "Killed on request, without finishing its step or saving a checkpoint."


@dataclass(frozen=True)
class Facts:
    """What the rules look at.

    `locked`: a worker holds the run. `begun`: it makes steps. `unreadable`: what the run recorded
    is damaged, gone, or of a newer version. `asked`: a start was ever asked for, `waiting`: no
    supervisor has taken the last one up. `stop_wanted`: a stop or kill came after it. `answered`: a
    worker began an attempt for it. `not_started`: why it could not be is known. `worker_is_open`: a
    worker was started for it whose end is not noted, and a supervisor lives who will. Whether it
    lives only its backend knows. `killed_on_request`: it was killed, or is about to be, because
    somebody asked for that. `said_...`: the worker's own last word.
    """

    locked: bool
    begun: bool
    unreadable: bool
    asked: bool
    waiting: bool
    stop_wanted: bool
    answered: bool
    not_started: bool
    worker_is_open: bool
    killed_on_request: bool
    said_finished: bool
    said_stopped: bool
    said_failed: bool
    said_needs_attention: bool


def derive_state(commands: Sequence[Command], evidence: Evidence) -> str:
    """The first of `RULES` that holds. `commands` are oldest first."""
    facts = asdict(gather_facts(commands, evidence))
    for state, conditions in RULES:
        if all(facts[c.removeprefix("not ")] != c.startswith("not ") for c in conditions):
            return state
    raise AssertionError("the last rule has no condition")


def gather_facts(commands: Sequence[Command], evidence: Evidence) -> Facts:
    start = get_last_start(commands)
    stops = get_stops(commands)
    answer = get_answer(start, evidence.attempts)
    outcome = answer.outcome if answer else None
    return Facts(
        locked=evidence.locked,
        begun=answer is not None and _has_begun(evidence),
        unreadable=bool(evidence.problem),
        asked=start is not None,
        waiting=start is not None and start.handled_at is None,
        stop_wanted=bool(stops),
        answered=answer is not None,
        not_started=start is not None and start.error is not None,
        worker_is_open=evidence.supervised and start is not None and _is_open(start),
        killed_on_request=bool(get_kill_reason(stops)),
        said_finished=outcome == "finished",
        said_stopped=outcome == "stopped",
        said_failed=outcome == "failed",
        said_needs_attention=outcome == "needs_attention",
    )


def get_stops(commands: Sequence[Command]) -> list[Command]:
    """The stops and kills that were asked for after the last start, oldest first."""
    start = get_last_start(commands)
    return [c for c in commands if start and c.kind in STOP_KINDS and c.number > start.number]


def get_answer(start: Command | None, attempts: Sequence[WorkerLife]) -> WorkerLife | None:
    """The newest life, if it is the one that was asked for last."""
    attempt = attempts[-1] if attempts else None
    return attempt if attempt and (start is None or attempt.command == start.id) else None


def _has_begun(evidence: Evidence) -> bool:
    progress = evidence.progress
    first = evidence.attempts[-1].from_step
    return progress is not None and (progress.step > first or progress.phase != "loading")


def _is_open(start: Command) -> bool:
    """Whether a worker was started whose end nobody has noted."""
    return start.has_worker and start.worker_ended_at is None


def get_kill_reason(stops: Sequence[Command]) -> str:
    """Why a worker was killed, or is about to be; empty if it was left to end by itself."""
    given = next((stop.error for stop in reversed(stops) if stop.error), "")
    return given or (KILLED_ON_REQUEST if any(stop.kind == "kill" for stop in stops) else "")
