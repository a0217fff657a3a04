"""Generations as a file to take away: CSV for spreadsheets, JSON Lines for programs.

In CSV, text that a spreadsheet would run as a formula is guarded (`rft_core/csv_text.py`). JSON
Lines has the exact text.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rft_core.csv_text import csv_row
from rft_core.store.generations import StoredGeneration

_PLAIN = (
    "id", "step", "split", "prompt_id", "group_index", "sample_index", "reward", "advantage",
    "num_tokens", "truncated",
)  # fmt: skip


def csv_lines(generations: Iterable[StoredGeneration], functions: list[str]) -> Iterator[str]:
    """A header, then one row each: its score and reason per function, the completion last."""
    columns = [f"{kind}/{name}" for name in functions for kind in ("score", "reason")]
    yield csv_row([*_PLAIN, *columns, "flags", "completion"])
    for g in generations:
        judged = [
            value for name in functions for value in (g.scores.get(name), g.reasons.get(name, ""))
        ]
        plain = [getattr(g, name) for name in _PLAIN]
        yield csv_row([*plain, *judged, " ".join(g.flags), g.completion])


def jsonl_lines(generations: Iterable[StoredGeneration]) -> Iterator[str]:
    for generation in generations:
        yield json.dumps(asdict(generation), ensure_ascii=False) + "\n"
