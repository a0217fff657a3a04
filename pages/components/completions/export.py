"""Generations as a file to take away: CSV for spreadsheets, JSON Lines for programs.

A spreadsheet runs a cell that begins with = + - or @ as a formula, whoever wrote it: in CSV such
text gets a ' in front. JSON Lines has the exact text.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from rft_core.store.generations import StoredGeneration

FORMULA_STARTS = ("=", "+", "-", "@")
_PLAIN = (
    "id", "step", "split", "prompt_id", "group_index", "sample_index", "reward", "advantage",
    "num_tokens", "truncated",
)  # fmt: skip


def csv_lines(generations: Iterable[StoredGeneration], functions: list[str]) -> Iterator[str]:
    """A header, then one row each: its score and reason per function, the completion last."""
    columns = [f"{kind}/{name}" for name in functions for kind in ("score", "reason")]
    yield _csv_row([*_PLAIN, *columns, "flags", "completion"])
    for g in generations:
        judged = [
            value for name in functions for value in (g.scores.get(name), g.reasons.get(name, ""))
        ]
        plain = [getattr(g, name) for name in _PLAIN]
        yield _csv_row([*plain, *judged, " ".join(g.flags), g.completion])


def jsonl_lines(generations: Iterable[StoredGeneration]) -> Iterator[str]:
    for generation in generations:
        yield json.dumps(asdict(generation), ensure_ascii=False) + "\n"


def _no_formula(value: object) -> object:
    begins_like_one = isinstance(value, str) and value.lstrip().startswith(FORMULA_STARTS)
    return f"'{value}" if begins_like_one else value


def _csv_row(values: list[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(map(_no_formula, values))
    return line.getvalue()
