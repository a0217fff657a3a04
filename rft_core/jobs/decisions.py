"""What the supervisor does next: a pure function of the commands and of which workers live.

Commands are answered in the order in which they were asked. At most `max_runs` workers live at
once; the other starts wait. Nothing is remembered between two calls, so that a new supervisor
decides exactly as the one that was killed would have done.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from rft_core.store.commands import START_KINDS, STOP_KINDS, Command


@dataclass(frozen=True)
class StartWorker:
    command: Command


@dataclass(frozen=True)
class AskToStop:
    """SIGTERM: the worker finishes its step, saves a checkpoint and ends."""

    command: Command


@dataclass(frozen=True)
class KillWorker:
    """SIGKILL: somebody asked for that, or the worker is stuck after it was asked to stop."""

    command: Command


@dataclass(frozen=True)
class Settle:
    """Nothing is left to do for this command: mark it handled."""

    command: Command


Action = StartWorker | AskToStop | KillWorker | Settle


def decide(
    commands: Sequence[Command],
    alive: AbstractSet[str],
    *,
    max_runs: int,
    closing: AbstractSet[str] = frozenset(),
    stuck: AbstractSet[str] = frozenset(),
) -> list[Action]:
    """`commands`: all there are, oldest first. `alive`: the runs that have a living worker.

    `closing`: those of them whose worker has let go of its run and is about to end: it answers no
    start any more, and the next worker waits for its end. `stuck`: those that made no progress
    for long after they were asked to stop.
    """
    histories: dict[str, list[Command]] = {}
    for command in commands:
        histories.setdefault(command.run, []).append(command)
    actions: list[Action] = []
    places = max_runs - len(alive)
    for command in commands:
        if command.handled_at is not None:
            continue
        is_alive = command.run in alive
        if command.kind in STOP_KINDS:
            act = KillWorker if command.kind == "kill" else AskToStop
            actions.append(act(command) if is_alive else Settle(command))
        elif _is_settled_start(command, histories[command.run], command.run in alive - closing):
            actions.append(Settle(command))
        elif not is_alive and places > 0:
            actions.append(StartWorker(command))
            places -= 1
    asked = {run: get_handled_stop(histories.get(run, [])) for run in sorted(alive & stuck)}
    return actions + [KillWorker(stop) for stop in asked.values() if stop]


def get_handled_stop(history: Sequence[Command]) -> Command | None:
    """The stop of which the worker of this run has been told; None where there is none."""
    handled = [command for command in history if command.handled_at is not None]
    stops = [c for c in _since_last_start(handled) if c.kind in STOP_KINDS]
    return stops[-1] if stops else None


def _is_settled_start(start: Command, history: Sequence[Command], is_held: bool) -> bool:
    """Cancelled by a later stop, asked for twice, or already answered by a worker that holds it."""
    position = history.index(start)
    is_cancelled = any(command.kind in STOP_KINDS for command in history[position + 1 :])
    before = _since_last_start(history[:position])
    is_second = len(before) == 1 and before[0].handled_at is None
    return is_held or is_cancelled or is_second


def _since_last_start(history: Sequence[Command]) -> Sequence[Command]:
    """The last start and what was asked after it."""
    starts = [i for i, command in enumerate(history) if command.kind in START_KINDS]
    return history[starts[-1] :] if starts else ()
