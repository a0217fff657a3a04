"""The process that reads one prompt file or hub dataset: bytes (or a name) in, JSON lines out.

Started by `reading_process.py` as `python -m`. What it may take is limited before it looks at the
content; a file that wants more ends in a refusal, or in the end of this process.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rft_core.data.readers.decoding import PARQUET_MAGIC
from rft_core.data.readers.hub import read_hub_rows
from rft_core.data.readers.prompt_file import MAX_FILE_BYTES, parse_table
from rft_core.data.table import Table
from rft_core.errors import BadInputError, RftError

MEMORY_BYTES = 1280 * 2**20  # beyond what the interpreter and its libraries have mapped already
CPU_SECONDS = 60
_ROWS_A_LINE = 256


def main(kind: str, *words: str) -> None:
    """Write one table, or one refusal, to standard output."""
    read = prepare_hub(*words) if kind == "hub" else prepare_file(*words)
    _limit()
    for line in _answer(read, words[0]):
        _say(line)
    sys.stdout.flush()


def prepare_file(name: str, path: str) -> Callable[[], Table]:
    """What reads it within the limits. Of the name only the end tells the format."""
    source = Path(path).open("rb") if path else sys.stdin.buffer  # noqa: SIM115
    with source:
        data = source.read(MAX_FILE_BYTES + 1)
    if data.startswith(PARQUET_MAGIC):
        import pyarrow.parquet  # noqa: F401  # maps its libraries before memory is limited
    return lambda: parse_table(data, name)


def prepare_hub(name: str, split: str, limit: str, subset: str) -> Callable[[], Table]:
    """What fetches it within the limits, and says after each row how many there are."""
    import datasets  # noqa: F401  # maps its libraries before memory is limited

    def say_progress(rows: int) -> None:
        _say({"read": rows})
        sys.stdout.flush()

    return lambda: read_hub_rows(
        name, split, int(limit) if limit else None, subset=subset or None, on_progress=say_progress
    )


def _answer(read: Callable[[], Table], name: str) -> Iterator[Any]:
    try:
        table = read()
    except MemoryError:  # pyarrow's is one as well
        yield {
            "refused": (
                f"'{name}' is too large",
                "it needs more memory than any file of prompts should",
                "Keep or sample a part of it, or save it as JSON lines",
            ),
            "fault": "bad input",
        }
    except RftError as error:
        kind = "bad input" if isinstance(error, BadInputError) else "elsewhere"
        yield {"refused": (error.what, error.why, error.fix), "fault": kind}
    else:
        yield from _list_lines(table)


def _list_lines(table: Table) -> Iterator[Any]:
    yield {"format": table.format, "columns": table.columns}
    for start in range(0, len(table.rows), _ROWS_A_LINE):
        rows = table.rows[start : start + _ROWS_A_LINE]
        yield [[row[column] for column in table.columns] for row in rows]
    yield {"rows": len(table.rows)}


def _say(line: Any) -> None:
    sys.stdout.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


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
    main(*sys.argv[1:])
