"""How one attempt at a run ended, and the one line that people read about it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import DiskFullError, RftError
from rft_core.store.run_writer import Outcome
from rft_core.store.sqlite.failures import make_disk_full_error, means_disk_full
from rft_core.training.stop import StopRequestedError

MOVED = "Its folder was moved or deleted while it trained. Resume it where it is now"
LONGEST_CAUSE = 300  # characters of a library's own words
MEMORY_WORDS = ("out of memory", "not enough memory", "can't allocate memory", "bad_alloc")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttemptEnding:
    outcome: Outcome
    message: str = ""


def explain_ending(error: BaseException, run_dir: Path) -> AttemptEnding:
    """What an attempt that `error` ended has to say. A full disk needs a person, then a resume."""
    if isinstance(error, StopRequestedError):
        return AttemptEnding("stopped", str(error) or "Stopped before its first step")
    logger.error("the run failed", exc_info=error)
    if not run_dir.is_dir():  # whatever failed without it, before the heartbeat noticed
        return AttemptEnding("stopped", MOVED)
    if not isinstance(error, RftError) and means_disk_full(error, run_dir):
        error = make_disk_full_error(run_dir)
    if isinstance(error, DiskFullError):
        return AttemptEnding("needs_attention", f"{error} Then resume: nothing saved is lost.")
    return AttemptEnding("failed", explain_failure(error))


def explain_failure(error: BaseException) -> str:
    """One line for people. Running out of memory is the failure that deserves better words."""
    if isinstance(error, RftError):
        return str(error)
    text = str(error).strip()
    first_line = text.splitlines()[0][:LONGEST_CAUSE] if text else ""
    if isinstance(error, MemoryError) or any(word in text.lower() for word in MEMORY_WORDS):
        cause = f" ({first_line})" if first_line else ""
        return (
            f"Out of memory{cause}. Use a smaller per_device_train_batch_size with more "
            "gradient_accumulation_steps, a shorter max_completion_length, or "
            "gradient_checkpointing=true."
        )
    return f"{type(error).__name__}: {first_line or 'it gave no reason'}"
