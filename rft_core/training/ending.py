"""How one attempt at a run ended, and the one line that people read about it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import DiskFullError, RftError
from rft_core.store.run_writer import Outcome
from rft_core.store.sqlite.failures import make_disk_full_error, means_disk_full
from rft_core.training.stop import StopRequestedError

MOVED = "Its folder was moved or deleted while it trained. Resume it where it is now"
LONGEST_CAUSE = 300  # characters of a library's own words
# As torch, the kernel, C++, the loader of libraries, Python, and Rust or OpenBLAS say it.
MEMORY_WORDS = ("out of memory", "not enough memory", "allocate memory", "bad_alloc",
                "failed to map segment", "can't start new thread", "memoryerror",
                "memory allocation")  # fmt: skip

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttemptEnding:
    outcome: Outcome
    message: str = ""


def explain_ending(error: BaseException, run_dir: Path) -> AttemptEnding:
    """What an attempt that `error` ended has to say. A full disk needs a person, then a resume."""
    if isinstance(error, StopRequestedError):
        return AttemptEnding("stopped", str(error) or "Stopped before its first step")
    with suppress(MemoryError):
        logger.error("the run failed", exc_info=error)
    if not run_dir.is_dir():  # whatever failed without it, before the heartbeat noticed
        return AttemptEnding("stopped", MOVED)
    if not isinstance(error, RftError) and means_disk_full(error, run_dir):
        error = make_disk_full_error(run_dir)
    if isinstance(error, DiskFullError):
        return AttemptEnding("needs_attention", f"{error} Then resume: nothing saved is lost.")
    return AttemptEnding("failed", explain_failure(error))


def explain_silence(silent: Mapping[str, str]) -> str:
    """What a run that made all its steps has to say of functions that could score none of them.

    `silent`: their names, and why not; "" where there are none.
    """
    told = [
        f"'{name}' could score no completion of any step" + (f" ({reason})" if reason else "")
        for name, reason in ((name, reason.rstrip(".")) for name, reason in silent.items())
    ]
    if not told:
        return ""
    return f"{'; '.join(told)}. Nothing was learned from it: mend it or its rows, and train anew"


def explain_failure(error: BaseException) -> str:
    """One line for people. Running out of memory is the failure that deserves better words."""
    if shortage := _find_shortage(error):
        cause = f" ({_first_line(shortage)})" if _first_line(shortage) else ""
        return (
            f"Out of memory{cause}. Use a smaller per_device_train_batch_size with more "
            "gradient_accumulation_steps, a shorter max_completion_length, or "
            "gradient_checkpointing=true."
        )
    if isinstance(error, RftError):
        return str(error)
    return f"{type(error).__name__}: {_first_line(error) or 'it gave no reason'}"


def names_shortage(text: str) -> bool:
    """Whether a library's words say that memory has run out."""
    return any(word in text.lower() for word in MEMORY_WORDS)


def _find_shortage(error: BaseException | None) -> BaseException | None:
    """The want of memory behind an error, whatever it was taken for on its way to us."""
    while error is not None:
        is_ours = isinstance(error, RftError)
        if isinstance(error, MemoryError) or (not is_ours and names_shortage(str(error))):
            return error
        error = error.__cause__ or error.__context__
    return None


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:LONGEST_CAUSE] if text else ""
