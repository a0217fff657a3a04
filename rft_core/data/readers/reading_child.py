"""The process that reads one prompt file: its bytes (or path) in, JSON lines out.

Started by `reading_process.py` as `python -m`. What it may take is limited before it looks at the
content; a file that wants more ends in a refusal, or in the end of this process.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rft_core.data.readers.decoding import PARQUET_MAGIC
from rft_core.data.readers.prompt_file import MAX_FILE_BYTES, parse_table
from rft_core.data.table import Table
from rft_core.errors import BadInputError

MEMORY_BYTES = 1280 * 2**20  # beyond what the interpreter and its libraries have mapped already
CPU_SECONDS = 60
_ROWS_A_LINE = 256


def main(name: str, path: str) -> None:
    """Write one table, or one refusal, to standard output."""
    source = Path(path).open("rb") if path else sys.stdin.buffer  # noqa: SIM115
    with source:
        data = source.read(MAX_FILE_BYTES + 1)
    if data.startswith(PARQUET_MAGIC):
        import pyarrow.parquet  # noqa: F401  # maps its libraries before memory is limited
    _limit()
    for line in _answer(data, name):
        sys.stdout.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def _answer(data: bytes, name: str) -> Iterator[Any]:
    try:
        table = parse_table(data, name)
    except MemoryError:
        yield {
            "refused": (
                f"'{name}' is too large",
                "it needs more memory than any file of prompts should",
                "Keep or sample a part of it, or save it as JSON lines",
            )
        }
    except BadInputError as error:
        yield {"refused": (error.what, error.why, error.fix)}
    else:
        yield from _list_lines(table)


def _list_lines(table: Table) -> Iterator[Any]:
    yield {"format": table.format, "columns": table.columns}
    for start in range(0, len(table.rows), _ROWS_A_LINE):
        rows = table.rows[start : start + _ROWS_A_LINE]
        yield [[row[column] for column in table.columns] for row in rows]
    yield {"rows": len(table.rows)}


def _limit() -> None:
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    for kind, most in (
        (resource.RLIMIT_AS, mapped + MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (least, least))


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # a text stream here
    main(*sys.argv[1:3])
