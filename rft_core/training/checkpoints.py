"""Checkpoints that are whole or not there: written beside, synced, renamed, and proved by hashes.

    checkpoints/step-40/manifest.json     step, what it can do, sha256 of every file
                        adapter_*         the LoRA adapter in PEFT's format
                        everything else   optimizer, scheduler, random states: for resuming

A checkpoint whose manifest does not hold is skipped, never loaded. Old ones are reduced to their
adapter, which is small, so that every checkpoint can still be talked to. No torch in here: what
the files contain is the trainer's business.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.training.disk_room import check_room

MANIFEST_NAME = "manifest.json"
ADAPTER_PREFIX = "adapter_"
_TEMPORARY_PREFIX = ".unfinished-"


@dataclass(frozen=True)
class Resumable:
    """The newest checkpoint to go on from (None: start at step 0), and why newer ones are not."""

    path: Path | None
    step: int
    skipped: tuple[str, ...]


@contextmanager
def write_checkpoint(folder: Path, step: int) -> Iterator[Path]:
    """Yields a temporary folder to fill; afterwards it is `folder/step-N`, whole and on disk.

    Raises `DiskFullError` before anything is written where there is no room for it.
    """
    check_room(folder / f"step-{step}")
    temporary = folder / f"{_TEMPORARY_PREFIX}step-{step}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    yield temporary
    publish_folder(temporary, folder / f"step-{step}", manifest={"step": step, "resumable": True})


def publish_folder(temporary: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Sync `temporary`, prove it with a manifest and move it to `target`, replacing that."""
    _write_manifest(temporary, manifest)
    for path in temporary.iterdir():
        _sync(path)
    _sync(temporary)
    shutil.rmtree(target, ignore_errors=True)  # an older one of this name that could not be used
    temporary.rename(target)
    _sync(target.parent)


def find_resumable(folder: Path) -> Resumable:
    """Look from the newest checkpoint back to the first whose files are what its manifest says."""
    skipped: list[str] = []
    for step, path in reversed(_list_steps(folder)):
        problem = find_damage(path)
        if problem:
            skipped.append(f"Checkpoint step-{step} cannot be used: {problem}")
        elif _is_resumable(path):
            return Resumable(path, step, tuple(skipped))
    return Resumable(None, 0, tuple(skipped))


def find_damage(path: Path) -> str:
    """What is wrong with a checkpoint; empty when every file is as it was written."""
    try:
        files: dict[str, str] = _read_manifest(path)["files"]
    except (OSError, ValueError, KeyError):
        return "its manifest is missing or unreadable"
    for name, expected in files.items():
        try:
            actual = _hash(path / name)
        except OSError:
            return f"{name} is missing"
        if actual != expected:
            return f"{name} is not what was written"
    return ""


def prune_checkpoints(folder: Path, keep: int) -> list[int]:
    """Reduce all but the newest `keep` resumable checkpoints to their adapter.

    Returns the steps that cannot be resumed from any more. Each is first declared adapter-only
    and only then emptied, so that a crash in between leaves nothing that looks whole and is not.
    """
    reduced = []
    for step, path in [at for at in _list_steps(folder) if _is_resumable(at[1])][:-keep]:
        manifest = _read_manifest(path)
        extra = [name for name in manifest["files"] if not name.startswith(ADAPTER_PREFIX)]
        for name in extra:
            del manifest["files"][name]
        _replace_manifest(path, {**manifest, "resumable": False})
        for name in extra:
            (path / name).unlink(missing_ok=True)
        reduced.append(step)
    return reduced


def remove_leftovers(folder: Path, after_step: int) -> None:
    """Forget what a killed worker was writing, and checkpoints later than where a run goes on."""
    later = [path for step, path in _list_steps(folder) if step > after_step]
    for path in [*folder.glob(f"{_TEMPORARY_PREFIX}*"), *later]:
        shutil.rmtree(path, ignore_errors=True)


def _list_steps(folder: Path) -> list[tuple[int, Path]]:
    found = []
    for path in folder.glob("step-*"):
        number = path.name.removeprefix("step-")
        if number.isdecimal() and path.is_dir():
            found.append((int(number), path))
    return sorted(found)


def _is_resumable(path: Path) -> bool:
    try:
        return bool(_read_manifest(path)["resumable"])
    except (OSError, ValueError, KeyError):
        return False


def _read_manifest(path: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((path / MANIFEST_NAME).read_text(encoding="utf-8"))
    return manifest


def _write_manifest(path: Path, manifest: dict[str, Any]) -> None:
    files = {file.name: _hash(file) for file in sorted(path.iterdir()) if file.is_file()}
    text = json.dumps({**manifest, "files": files}, indent=1)
    (path / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _replace_manifest(path: Path, manifest: dict[str, Any]) -> None:
    temporary = path / f"{_TEMPORARY_PREFIX}{MANIFEST_NAME}"
    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    _sync(temporary)
    temporary.replace(path / MANIFEST_NAME)
    _sync(path)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
