"""The errors that people are meant to read: what happened, why, and what to do next.

Every error raised on purpose is one of these. The command line prints `str(error)` as one line and
exits with `exit_code`; a page shows the same three parts. Bugs stay ordinary exceptions.
"""

from __future__ import annotations

import re
import reprlib
from pathlib import Path
from typing import Any

LONGEST_QUOTE = 200  # characters of any value that an error shows
LONGEST_RUN = 500  # characters without a space: a path may be long, a flood is not shown
LONGEST_PART = 4000  # characters of `what`, `why` or `fix`


class RftError(Exception):
    """Base class. `what` happened, `why`, and how to `fix` it; the last two may be empty."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = (_bound(part) for part in (what, why, fix))
        parts = (self.what, self.why, self.fix)
        super().__init__(" ".join(_sentence(part) for part in parts if part))


class BadInputError(RftError):
    """What the user gave cannot be used as it is. Nothing was changed."""

    exit_code = 2


class NotFoundError(BadInputError):
    """A run, prompt set, reward set, task or file of that name does not exist."""


class ModelUnavailableError(RftError):
    """A model could not be found, downloaded or loaded."""


class WorkerError(RftError):
    """The training process could not be started or reached."""


class NewerDatabaseError(RftError):
    """A database was written by a newer version of this project."""


class DamagedDatabaseError(BadInputError):
    """A database cannot be read: damaged, incomplete, or not a database at all."""


class UnreadableRunError(RftError):
    """What one run has recorded cannot be read. Other runs are not concerned."""


class NotWritableError(BadInputError):
    """A place that can only be read: mounted read-only, or another user's."""


class DiskFullError(RftError):
    """There is no space left where something had to be written. What was there is unharmed."""


def quote(value: Any) -> str:
    """The value as Python writes it, at most `LONGEST_QUOTE` characters, however deep or long."""
    if isinstance(value, str):
        text = repr(value[:LONGEST_QUOTE])  # what is cut off need not be escaped first
        is_whole = len(value) <= LONGEST_QUOTE
    else:
        text, is_whole = _SHORT.repr(value), True
    if is_whole and len(text) <= LONGEST_QUOTE:
        return text
    return f"{text[: LONGEST_QUOTE - 1]}…"


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxother, _SHORT.maxlong = 3, 80, 80
_LONG_RUN = re.compile(rf"\S{{{LONGEST_RUN + 1},}}")


def _bound(text: str) -> str:
    """No part floods a terminal or a page, whatever value somebody put into it."""
    text = _LONG_RUN.sub(lambda run: f"{run.group()[: LONGEST_RUN - 1]}…", text)
    return text if len(text) <= LONGEST_PART else f"{text[: LONGEST_PART - 1]}…"


def cannot_read(path: Path, error: OSError | UnicodeDecodeError) -> BadInputError:
    """What to raise for a file that was named by a person, and that could not be read."""
    if isinstance(error, FileNotFoundError):
        return NotFoundError(f"There is no file '{path}'", "", "Check its name and its folder")
    if isinstance(error, UnicodeDecodeError):
        return BadInputError(f"'{path}' is not text", str(error), "Save it as UTF-8")
    return BadInputError(f"'{path}' cannot be read", _why(error), "Name a file that you may read")


def cannot_write(
    path: Path, error: OSError, fix: str = "Choose a place that you may write to"
) -> BadInputError:
    """For a place that was named by a person; what failed may be a file of ours beside it."""
    is_missing = isinstance(error, FileNotFoundError) and not path.parent.exists()
    why = f"There is no folder '{path.parent}'" if is_missing else _why(error)
    return NotWritableError(f"'{path}' cannot be written", why, fix)


def _why(error: OSError) -> str:
    if isinstance(error, FileExistsError):
        return "A file lies in its place"
    return error.strerror or type(error).__name__


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."
