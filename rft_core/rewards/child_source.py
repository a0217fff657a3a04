"""Graders that work in the child: a module's own text becomes the source that the child runs.

Files named `*_child.py` import nothing of this package, since the child has only their text. They
find their settings in OPTIONS and give scores, reasons and flags as user functions do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry


def make_child_entry(entry: RewardEntry, file_name: str, options: Mapping[str, Any]) -> RewardEntry:
    """The Python entry that runs `grade` of a file beside this one, with these options."""
    source = f"{_read(file_name)}\n\nOPTIONS = {dict(options)!r}\n"
    return replace(entry, grader=PYTHON_GRADER, options={"function": "grade"}, source=source)


@lru_cache(maxsize=8)
def _read(file_name: str) -> str:
    return Path(__file__).with_name(file_name).read_text(encoding="utf-8")
