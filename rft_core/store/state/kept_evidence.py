"""Evidence of ended runs, kept in the index, so that a list of hundreds opens no database.

What a run has recorded changes only with its files, so it is known by how these look. That a worker
holds a run, and that a supervisor lives, is asked anew each time. What cannot be kept, as in an
index that may only be read, is read again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from rft_core.errors import RftError
from rft_core.paths import get_run_db_path, get_supervisor_lock_path, get_worker_lock_path
from rft_core.store.run_reader import RunProgress, WorkerLife
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.evidence import Evidence, read_evidence
from rft_core.store.state.revision import look_at_database
from rft_core.store.state.run_lock import is_locked


def read_all_evidence(index: Database, runs_dir: Path, runs: Sequence[str]) -> dict[str, Evidence]:
    """By run. As `read_evidence` reads that of each."""
    kept = {run: (seen, text) for run, seen, text in index.execute("SELECT * FROM run_evidence")}
    supervised = is_locked(get_supervisor_lock_path(runs_dir))
    found, new = dict[str, Evidence](), list[tuple[str, str, str]]()
    for run in runs:
        look = _look(runs_dir, run)
        seen, text = kept.get(run, ("", ""))
        is_held = is_locked(get_worker_lock_path(runs_dir, run))
        if not is_held and look and look == seen and (known := _restore(text)):
            found[run] = replace(known, supervised=supervised)
            continue
        found[run] = evidence = read_evidence(runs_dir, run)
        if look and not (is_held or evidence.locked or evidence.problem):
            new.append((run, look, json.dumps(asdict(evidence))))
    _keep(index, [row for row in new if row[1] == _look(runs_dir, row[0])])
    return found


def _look(runs_dir: Path, run: str) -> str:
    """Another one after each write to the run's database; empty where there is none."""
    database, log = look_at_database(get_run_db_path(runs_dir, run))
    return repr((database, log)) if database else ""


def _restore(text: str) -> Evidence | None:
    """None for what another version has kept."""
    with suppress(ValueError, TypeError, KeyError):
        stored = json.loads(text)
        stored["attempts"] = [WorkerLife(**attempt) for attempt in stored["attempts"]]
        if stored["progress"]:
            stored["progress"] = RunProgress(**stored["progress"])
        return Evidence(**stored)
    return None


def _keep(index: Database, rows: Sequence[tuple[str, str, str]]) -> None:
    if not rows:
        return
    with suppress(RftError), transaction(index) as connection:
        connection.executemany("INSERT OR REPLACE INTO run_evidence VALUES (?, ?, ?)", rows)
