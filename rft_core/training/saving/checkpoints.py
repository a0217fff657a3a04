"""Checkpoints that are whole or not there: written beside, synced, renamed, and proved by hashes.

    checkpoints/step-40/manifest.json     step, what it can do, sha256 of every file
                        adapter_*         the LoRA adapter in PEFT's format
                        score_head.*      of a reward model, what makes scores of it
                        value_head.*      what PPO has learned beside it
                        everything else   optimizer, scheduler, random states: for resuming
    checkpoints/aside-step-50/            one that a run could not go on from; kept, never read

A checkpoint whose files are not what its manifest says is skipped, never loaded; one that cannot be
read just now ends the attempt, for it may be whole. Nothing is deleted on the way: what is later
than where a run goes on is set aside. Old checkpoints are reduced to their adapter, which is small,
so that every one can still be talked to. No torch in here: what the files contain is the trainer's
business.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.errors import BadInputError, RftError
from rft_core.paths import name_checkpoint
from rft_core.store.sqlite.failures import make_disk_full_error, means_disk_full
from rft_core.training.saving.disk_room import check_room

MANIFEST_NAME = "manifest.json"
# What can be talked to, asked, or begun with: kept as long as the run.
KEPT_PREFIXES = ("adapter_", "value_head.", "score_head.")
_TEMPORARY_PREFIX = ".unfinished-"
_ASIDE_PREFIX = "aside-"
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)  # all other errors of reading may pass


class CheckpointUnreadableError(RftError):
    """A checkpoint that may be whole cannot be read just now. Nothing was changed."""


@dataclass(frozen=True)
class Resumable:
    """The newest checkpoint to go on from (None: start at step 0), and why newer ones are not."""

    path: Path | None
    step: int
    skipped: tuple[str, ...]


@contextmanager
def write_checkpoint(folder: Path, step: int) -> Iterator[Path]:
    """Yields a temporary folder to fill; afterwards it is `folder/step-N`, whole and on disk.

    Raises `DiskFullError`, before anything is written where the room for it is known to be missing;
    nothing of it is left then, and older checkpoints are as they were.
    """
    temporary = folder / f"{_TEMPORARY_PREFIX}{name_checkpoint(step)}"
    shutil.rmtree(temporary, ignore_errors=True)
    target = folder / name_checkpoint(step)
    with _told_when_full(folder, target):
        check_room(target)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            publish_folder(temporary, target, manifest={"step": step, "resumable": True})
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def publish_folder(temporary: Path, target: Path, manifest: dict[str, Any]) -> None:
    """Sync `temporary`, prove it with a manifest and move it to `target`, replacing that."""
    with _told_when_full(temporary, target):
        _write_manifest(temporary, manifest)
        for path in temporary.iterdir():
            _sync(path)
        _sync(temporary)
        older = set_aside(target) if target.exists() else None
        temporary.rename(target)
        _sync(target.parent)
    if older:  # of the same step, written again
        shutil.rmtree(older, ignore_errors=True)


def copy_weights(checkpoint: Path, target: Path, manifest: dict[str, Any], what: str) -> None:
    """What can be talked to or asked of a checkpoint, copied to `target`, whole and on disk.

    Raises `BadInputError`, which names `what`, where it is gone or is not what was written.
    """
    temporary = target.with_name(f"{_TEMPORARY_PREFIX}{target.name}")
    try:
        expected = _read_manifest(checkpoint)["files"]
        temporary.mkdir(parents=True)
        for name in expected:
            if name.startswith(KEPT_PREFIXES):
                shutil.copyfile(checkpoint / name, temporary / name)
        publish_folder(temporary, target, manifest)
        copied = _read_manifest(target)["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInputError(f"{what} cannot be used", str(error), "Choose another one") from error
    if not copied or any(expected[name] != copied[name] for name in copied):
        why = "Its adapter is not what was written"
        raise BadInputError(f"{what} cannot be used", why, "Choose another one")


def find_resumable(folder: Path, recorded: int | None = None) -> Resumable:
    """Look from the newest checkpoint back to the first whose files are what its manifest says.

    `recorded`: the last step up to which the run's database has all steps; after a power cut it may
    have fewer than the checkpoints. Raises `CheckpointUnreadableError` rather than skip one that
    may be whole.
    """
    skipped: list[str] = []
    for step, path in reversed(_list_steps(folder)):
        if recorded is not None and step > recorded:
            problem = f"the steps after {recorded} are not recorded"
        else:
            problem = find_damage(path)
        if problem:
            skipped.append(f"Checkpoint {name_checkpoint(step)} cannot be used: {problem}")
        elif _is_resumable(path):
            return Resumable(path, step, tuple(skipped))
    return Resumable(None, 0, tuple(skipped))


def find_damage(path: Path) -> str:
    """What is wrong with a checkpoint; empty when every file is as it was written.

    Raises `CheckpointUnreadableError` where that cannot be told.
    """
    unreadable = "its manifest is missing or unreadable"
    try:
        files: dict[str, str] = dict(_read_manifest(path)["files"])
    except OSError as error:
        return _damage_or_raise(path, error, unreadable)
    except (ValueError, KeyError, TypeError):
        return unreadable
    for name, expected in files.items():
        try:
            actual = _hash(path / name)
        except OSError as error:
            return _damage_or_raise(path, error, f"{name} is missing")
        if actual != expected:
            return f"{name} is not what was written"
    return ""


def _damage_or_raise(path: Path, error: OSError, damage: str) -> str:
    if error.errno in _GONE:
        return damage
    raise CheckpointUnreadableError(
        f"The checkpoint '{path}' cannot be read",
        f"{error.strerror or type(error).__name__}, which may pass: it was left as it is",
        "Look at the disk and at the number of open files, then resume again",
    ) from error


def prune_checkpoints(folder: Path, keep: int, spared: int | None = None) -> list[int]:
    """Reduce all but the newest `keep` resumable checkpoints to their adapter.

    `spared`: a step whose checkpoint stays whole as well. Returns the steps that cannot be resumed
    from any more. Each is first declared adapter-only and only then emptied, so that a crash in
    between leaves nothing that looks whole and is not.
    """
    reduced = []
    for step, path in [at for at in _list_steps(folder) if _is_resumable(at[1])][:-keep]:
        if step == spared:
            continue
        with _told_when_full(folder, path):
            _reduce_to_adapter(path)
        reduced.append(step)
    return reduced


def _reduce_to_adapter(path: Path) -> None:
    manifest = _read_manifest(path)
    extra = [name for name in manifest["files"] if not name.startswith(KEPT_PREFIXES)]
    for name in extra:
        del manifest["files"][name]
    _replace_manifest(path, {**manifest, "resumable": False})
    for name in extra:
        (path / name).unlink(missing_ok=True)


def remove_leftovers(folder: Path, after_step: int) -> None:
    """Forget what a killed worker was writing; set aside the checkpoints that are later than where
    a run goes on."""
    for path in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)
    for step, path in _list_steps(folder):
        if step > after_step:
            set_aside(path)


def set_aside(path: Path) -> Path:
    """Rename a checkpoint so that it counts as none. Returns where it is now."""
    number = 1
    while (target := path.with_name(f"{_ASIDE_PREFIX}{path.name}-{number}")).exists():
        number += 1
    path.rename(target)
    return target


def _list_steps(folder: Path) -> list[tuple[int, Path]]:
    """Not by `glob`, which finds nothing where it may not look."""
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        _damage_or_raise(folder, error, "")
        return []
    found = []
    for path in paths:
        number = path.name.removeprefix(name_checkpoint(""))
        if number != path.name and number.isdecimal() and path.is_dir():
            found.append((int(number), path))
    return sorted(found)


@contextmanager
def _told_when_full(folder: Path, target: Path) -> Iterator[None]:
    """Whatever a library makes of a full disk becomes one error, with the place in it."""
    try:
        yield
    except RftError:
        raise
    except Exception as error:
        if means_disk_full(error, folder):
            raise make_disk_full_error(target) from error
        raise


def _is_resumable(path: Path) -> bool:
    try:
        return bool(_read_manifest(path)["resumable"])
    except OSError as error:
        return bool(_damage_or_raise(path, error, ""))
    except (ValueError, KeyError, TypeError):
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
