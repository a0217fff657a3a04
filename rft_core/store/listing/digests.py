"""Digests: what an ended run has recorded, kept in the index so that its database stays closed.

A digest is known by the look of the file that it was made from (inode, size, time of change), and
made again when that is another one. Only a run that has said how it ended has one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rft_core.store.run_reader import RunProgress, WorkerLife
from rft_core.store.sqlite.database import transaction
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.evidence import Evidence


@dataclass(frozen=True)
class RunDigest:
    """`look`: of the file, as text. `recorded`: without what locks say. `curve`: few points."""

    look: str
    recorded: Evidence
    curve: tuple[float, ...]

    def to_json(self) -> str:
        recorded = replace(self.recorded, attempts=self.recorded.attempts[-1:])
        return json.dumps({"recorded": asdict(recorded), "curve": self.curve})

    @classmethod
    def from_json(cls, look: str, text: str) -> RunDigest:
        """Raises `ValueError` or `TypeError` for one that another version wrote."""
        data: dict[str, Any] = json.loads(text)
        recorded = dict(data["recorded"])
        recorded["attempts"] = [WorkerLife(**life) for life in recorded["attempts"]]
        progress = recorded["progress"]
        recorded["progress"] = RunProgress(**progress) if progress else None
        return cls(look, Evidence(**recorded), tuple(data["curve"]))


def list_digests(db: Database) -> dict[str, RunDigest]:
    """By run. What another version wrote in another form is left out: it is made again."""
    found = {}
    for run, look, content in db.execute("SELECT run, look, content FROM run_digests"):
        try:
            found[run] = RunDigest.from_json(look, content)
        except (ValueError, TypeError, KeyError):
            continue
    return found


def set_digests(db: Database, digests: Mapping[str, RunDigest]) -> None:
    """In place of what was kept of these runs; of one that was deleted meanwhile nothing is."""
    with transaction(db) as connection:
        for run, digest in digests.items():
            connection.execute(
                "INSERT OR REPLACE INTO run_digests (run, look, content) "
                "SELECT ?, ?, ? WHERE EXISTS (SELECT 1 FROM runs WHERE id = ?)",
                (run, digest.look, digest.to_json(), run),
            )
