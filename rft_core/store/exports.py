"""A run's latest export: what was asked for, how far it is, and what became of it.

One small file beside the run's database. Whoever holds the export's lock writes it, everybody may
read it: so a page that is loaded again, or another one, shows the same export.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rft_core.errors import RftError, WorkerError
from rft_core.paths import get_export_lock_path, get_export_path
from rft_core.store.state.process_identity import ProcessIdentity
from rft_core.store.state.run_lock import FileLock, is_locked, read_holder

ExportOutcome = Literal["finished", "stopped", "failed"]


@dataclass(frozen=True)
class ExportRequest:
    """`to`: an absolute folder. `step` None: the newest adapter. `push`: OWNER/NAME on the hub, or
    nothing; `public`: whether everybody may see what is made there."""

    run: str
    to: str
    merged: bool = False
    step: int | None = None
    push: str = ""
    public: bool = False

    @property
    def kind(self) -> str:
        return "merged" if self.merged else "adapter"


@dataclass(frozen=True)
class ExportRecord:
    """`share`: how much is done, 0 to 1. `error`: what, why and how to mend it, if it failed.
    `pushed_to`: its address on the hub."""

    request: ExportRequest
    share: float = 0.0
    doing: str = "starting"
    outcome: ExportOutcome | None = None
    error: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    proof: Mapping[str, Any] = field(default_factory=dict)
    pushed_to: str = ""
    updated_at: float = 0.0
    is_running: bool = False

    @property
    def state(self) -> str:
        """running, finished, stopped, failed, or interrupted: it died without a word."""
        return "running" if self.is_running else self.outcome or "interrupted"


def get_export(runs_dir: Path, run_id: str) -> ExportRecord | None:
    """None where this run was not exported yet."""
    # The lock before the rest: who ends in between has then spoken before it is read.
    is_running = is_locked(get_export_lock_path(runs_dir, run_id))
    try:
        stored = json.loads(get_export_path(runs_dir, run_id).read_text(encoding="utf-8"))
        stored["request"] = ExportRequest(**stored["request"])
        stored |= {name: tuple(stored[name]) for name in ("error", "files")}
        found = ExportRecord(**stored)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none, or a newer version's
        return None
    return replace(found, is_running=is_running)


def set_export(runs_dir: Path, record: ExportRecord) -> None:
    """Whole or not at all. Only for whoever holds the export's lock."""
    path = get_export_path(runs_dir, record.request.run)
    content = asdict(replace(record, updated_at=time.time()))
    del content["is_running"]
    temporary = path.with_name(f".unfinished-{path.name}")
    with suppress(OSError):  # a full disk costs the news, not the export
        temporary.write_text(json.dumps(content), encoding="utf-8")
        temporary.replace(path)


def hold_export(runs_dir: Path, run_id: str) -> FileLock:
    """Become the one who exports this run. Raises `WorkerError` where another process is."""
    lock = FileLock(get_export_lock_path(runs_dir, run_id))
    try:
        lock.acquire()
    except WorkerError as error:
        raise explain_busy(runs_dir, run_id) from error
    return lock


def explain_busy(runs_dir: Path, run_id: str) -> RftError:
    """What to tell whoever asks for a second export meanwhile."""
    found = get_export(runs_dir, run_id)
    doing = f"It writes to '{found.request.to}': {found.doing}" if found else ""
    return WorkerError(
        f"Run '{run_id}' is being exported just now", doing, "Wait for its end, or cancel it"
    )


def find_exporter(runs_dir: Path, run_id: str) -> ProcessIdentity | None:
    """The process that exports this run now."""
    return read_holder(get_export_lock_path(runs_dir, run_id))
