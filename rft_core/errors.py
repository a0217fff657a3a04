"""The errors that people are meant to read: what happened, why, and what to do next.

Every error raised on purpose is one of these. The command line prints `str(error)` as one line and
exits with `exit_code`; a page shows the same three parts. Bugs stay ordinary exceptions.
"""

from __future__ import annotations


class RftError(Exception):
    """Base class. `what` happened, `why`, and how to `fix` it; the last two may be empty."""

    exit_code = 1

    def __init__(self, what: str, why: str = "", fix: str = "") -> None:
        self.what, self.why, self.fix = what, why, fix
        super().__init__(" ".join(_sentence(part) for part in (what, why, fix) if part))


class BadInputError(RftError):
    """What the user gave cannot be used as it is. Nothing was changed."""

    exit_code = 2


class NotFoundError(BadInputError):
    """A run, prompt set, reward set, task or file of that name does not exist."""


class ModelUnavailableError(RftError):
    """A model could not be found, downloaded or loaded."""


class WorkerError(RftError):
    """The training process could not be started or reached."""


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else text + "."
