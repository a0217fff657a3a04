"""The one folder that a jailed process may write to: made, measured while it is used, removed.

What lies in it was made to be awkward: folders nested by the thousand, names as long as can be,
links to elsewhere, folders that may not be read. So nothing here recurses or follows a link.
"""

from __future__ import annotations

import itertools
import os
import uuid
from contextlib import suppress
from pathlib import Path

from rft_core.sandbox.outcome import OutputLimitError

SMALLEST_FILE = 4096  # what an entry takes at least on the disk, also an empty one
MOST_ENTRIES = 10_000
DEEPEST = 30
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Scratch:
    def __init__(self, folder: Path, owner: int | None, most_bytes: int) -> None:
        """`owner`: a user id; without, it belongs to us. Raises `OSError`."""
        self.folder, self._most_bytes = folder, most_bytes
        folder.mkdir()
        folder.chmod(0o711)  # whatever the umask: its owner may be another user
        if owner is not None:
            os.chown(folder, owner, owner)

    def check_size(self) -> None:
        """Raises `OutputLimitError` for too much of anything."""
        sizes: list[int] = []
        _measure(str(self.folder), None, 0, sizes)
        if sum(sizes) > self._most_bytes:
            raise OutputLimitError(f"it wrote more than {self._most_bytes >> 20} MiB of files")

    def remove(self) -> None:
        """As far as possible; to be called when the process has ended."""
        try:
            self.folder.rmdir()  # as a rule it is empty
        except OSError:
            with suppress(OSError):
                _empty(self.folder)
                self.folder.rmdir()


def _measure(name: str, above: int | None, depth: int, sizes: list[int]) -> None:
    """Append the sizes of all that the folder holds.

    Folders are opened one below the other: what was one a moment ago may be a link by now.
    """
    if depth > DEEPEST:
        raise OutputLimitError(f"it made folders nested more than {DEEPEST} deep")
    try:
        fd = os.open(name, OPEN_FOLDER, dir_fd=above)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise OutputLimitError(f"it made a folder that hides what it holds: {error}") from error
    try:
        folders = _look_into(fd, sizes)
        if len(sizes) > MOST_ENTRIES:
            raise OutputLimitError(f"it made more than {MOST_ENTRIES:,} files")
        for folder in folders:
            _measure(folder, fd, depth + 1, sizes)
    finally:
        os.close(fd)


def _look_into(fd: int, sizes: list[int]) -> list[str]:
    """The names of the folders in it. Entries come and go meanwhile."""
    folders = []
    with os.scandir(fd) as entries:
        for entry in itertools.islice(entries, MOST_ENTRIES + 1):
            with suppress(FileNotFoundError):
                status = entry.stat(follow_symlinks=False)
                # Both: files may have holes, and space beyond their end.
                sizes.append(max(status.st_size, 512 * status.st_blocks, SMALLEST_FILE))
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
    return folders


def _empty(folder: Path) -> None:
    """Move inner folders to the top one by one, so that no path grows long, and remove the rest."""
    prefix, numbers = uuid.uuid4().hex, itertools.count()
    top = os.open(folder, OPEN_FOLDER)
    try:
        pending = _remove_files(top)
        while pending:
            name = pending.pop()
            inner = os.open(name, OPEN_FOLDER, dir_fd=top)
            try:
                for deeper in _remove_files(inner):
                    pending.append(f"{prefix}-{next(numbers)}")
                    os.rename(deeper, pending[-1], src_dir_fd=inner, dst_dir_fd=top)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)


def _remove_files(fd: int) -> list[str]:
    """The names of the folders that are left, and that may now be opened and moved."""
    with os.scandir(fd) as found:
        entries = list(found)
    folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.name, dir_fd=fd)
    if os.getuid() != 0:  # root needs no permission
        for name in folders:
            os.chmod(name, 0o700, dir_fd=fd)
    return folders
