"""What was told of a run, as its folder remembers it: `alerts.json`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rft_core.paths import get_alerts_path


@dataclass(frozen=True)
class Told:
    """`keys`: of the alerts. `is_followed`: the run was active, and its end is still to be told."""

    keys: frozenset[str] = frozenset()
    is_followed: bool = False


def read_told(runs_dir: Path, run: str) -> Told:
    """Nothing of a run of which nothing was told, or whose file is damaged."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        value = json.loads(get_alerts_path(runs_dir, run).read_text(encoding="utf-8"))
        return Told(frozenset(map(str, value["told"])), bool(value["is_followed"]))
    return Told()


def write_told(runs_dir: Path, run: str, told: Told) -> None:
    """Whole or not at all. A run that was deleted meanwhile gets no new folder."""
    path = get_alerts_path(runs_dir, run)
    text = json.dumps({"told": sorted(told.keys), "is_followed": told.is_followed})
    temporary = path.with_suffix(".unfinished")
    with suppress(FileNotFoundError):
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def list_followed(runs_dir: Path) -> Iterator[str]:
    """The runs whose end another supervisor was to tell."""
    for path in sorted(runs_dir.glob("*/alerts.json")):
        if read_told(runs_dir, path.parent.name).is_followed:
            yield path.parent.name
