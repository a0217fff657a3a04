"""All runs of a folder, a line each: status, labels and the reward in few points.

Four hundred runs are listed in the time of a few: of a run that has ended, what it recorded is in
its digest. What lives is read anew each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rft_core.errors import (
    DiskFullError,
    NotFoundError,
    NotWritableError,
    UnreadableRunError,
)
from rft_core.paths import get_run_db_path, get_supervisor_lock_path, get_worker_lock_path
from rft_core.store.listing.digests import RunDigest, list_digests, set_digests
from rft_core.store.listing.labels import RunLabels, list_labels
from rft_core.store.listing.reward_curve import read_reward_curve
from rft_core.store.run_reader import open_run
from rft_core.store.runs import UnreadableRun, iterate_runs
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.evidence import Evidence, read_evidence, read_recorded
from rft_core.store.state.revision import look_at_database
from rft_core.store.state.run_lock import is_locked
from rft_core.store.state.status import RunStatus, list_commands_by_run, make_run_status

Digests = Mapping[str, RunDigest]


@dataclass(frozen=True)
class RunLine:
    """One run as the table shows it. `curve`: of its reward, oldest first, perhaps empty."""

    status: RunStatus
    labels: RunLabels
    curve: tuple[float, ...]

    @property
    def id(self) -> str:
        return self.status.run.id


@dataclass(frozen=True)
class RunLines:
    """Newest first. `other_version`: those whose settings cannot be read. `digests`: to be given
    to the next reading."""

    lines: tuple[RunLine, ...]
    other_version: tuple[UnreadableRun, ...]
    digests: Digests

    @property
    def tags(self) -> list[str]:
        return sorted({tag for line in self.lines for tag in line.labels.tags})


def read_run_lines(index: Database, runs_dir: Path, known: Digests | None = None) -> RunLines:
    """`known`: the digests of an earlier reading, which then are not read again."""
    digests = dict(list_digests(index) if known is None else known)
    commands, labels = list_commands_by_run(index), list_labels(index)
    supervised = is_locked(get_supervisor_lock_path(runs_dir))
    lines, other, new = [], [], {}
    for run in iterate_runs(index):
        if isinstance(run, UnreadableRun):
            other.append(run)
            continue
        found, digest = _look_at(runs_dir, run.id, digests.get(run.id), supervised)
        if digest is not None and digest is not digests.get(run.id):
            new[run.id] = digest
        curve = digest.curve if digest else _read_curve(runs_dir, run.id)
        status = make_run_status(run, commands.get(run.id, []), found, runs_dir)
        lines.append(RunLine(status, labels.get(run.id, RunLabels()), curve))
    if new:
        with suppress(NotWritableError, DiskFullError):  # then they are made again next time
            set_digests(index, new)
    return RunLines(tuple(lines), tuple(other), digests | new)


def _look_at(
    runs_dir: Path, run_id: str, digest: RunDigest | None, supervised: bool
) -> tuple[Evidence, RunDigest | None]:
    """The evidence, and the digest that it is from or that was made of it; None for what lives."""
    path = get_run_db_path(runs_dir, run_id)
    # The file before the lock: what is written in between makes the digest out of date.
    look = repr(look_at_database(path))
    if is_locked(get_worker_lock_path(runs_dir, run_id)):
        return read_evidence(runs_dir, run_id), None
    if digest is None or digest.look != look:
        digest = _make_digest(runs_dir, run_id, look)
    if digest is None:
        return read_evidence(runs_dir, run_id), None
    return replace(digest.recorded, supervised=supervised), digest


def _make_digest(runs_dir: Path, run_id: str, look: str) -> RunDigest | None:
    """None for a run that has not said how it ended, and for one that cannot be read."""
    try:
        with open_run(runs_dir, run_id) as db:
            recorded, curve = read_recorded(db), read_reward_curve(db)
    except (NotFoundError, UnreadableRunError):
        return None
    has_ended = bool(recorded.attempts) and recorded.attempts[-1].outcome is not None
    return RunDigest(look, recorded, curve) if has_ended else None


def _read_curve(runs_dir: Path, run_id: str) -> tuple[float, ...]:
    try:
        with open_run(runs_dir, run_id) as db:
            return read_reward_curve(db)
    except (NotFoundError, UnreadableRunError):
        return ()
