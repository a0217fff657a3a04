"""Reading a prompt file in a process of its own, so that no file can take the dashboard down.

A few bytes can ask for gigabytes (Parquet repeats one value without end) or for minutes. The child
(`reading_child.py`) has a limit of memory and a deadline; what it read comes back as JSON lines,
whose size is limited too. A file that is too much for it is refused like any other bad file.
"""

from __future__ import annotations

import json
import os
import selectors
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from rft_core.data.readers.prompt_file import MAX_FILE_BYTES
from rft_core.data.table import Table, clean_file_name
from rft_core.errors import BadInputError, RftError
from rft_core.paths import PROJECT_ROOT

READ_SECONDS = 120.0  # by the clock; the child has half as much of the processor
MAX_ANSWER_BYTES = 6 * MAX_FILE_BYTES  # a table's text, with room for escapes and for UTF-8
_CHUNK_BYTES = 2**20
_ARROW = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}  # heeds the memory limit


def read_table(source: bytes | Path, file_name: str = "") -> Table:
    """Read an uploaded file. `file_name` is a hint for the format and the table's name.

    Raises BadInputError, with the row and line where there is one, for anything unreadable, and for
    what takes more than `READ_SECONDS` or more memory than any file of prompts needs.
    """
    if isinstance(source, Path):
        file_name = file_name or source.name
    name = clean_file_name(file_name)
    _check_size(source, name)
    child = subprocess.Popen(
        [sys.executable, "-m", "rft_core.data.readers.reading_child", name,
         str(source.resolve()) if isinstance(source, Path) else ""],
        cwd=PROJECT_ROOT, env=os.environ | _ARROW,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin and child.stdout
    sender = threading.Thread(
        target=_send, args=(child.stdin, source if isinstance(source, bytes) else b""), daemon=True
    )
    sender.start()
    try:
        return _receive(child.stdout, name)
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
        sender.join()


def _check_size(source: bytes | Path, name: str) -> None:
    try:
        if isinstance(source, bytes):
            size = len(source)
        else:
            found = source.stat()
            size = found.st_size
            if not stat.S_ISREG(found.st_mode):
                raise BadInputError(f"'{name}' cannot be opened", "it is no file", "Check the path")
    except OSError as error:
        why = error.strerror or str(error)
        raise BadInputError(f"'{name}' cannot be opened", why, "Check the path") from error
    if size > MAX_FILE_BYTES:
        raise BadInputError(
            f"'{name}' is too large",
            f"it has {size / 2**20:,.0f} MiB, the limit is {MAX_FILE_BYTES // 2**20} MiB",
            "Keep or sample a part of it; reinforcement fine-tuning works from ten prompts",
        )


def _send(pipe: IO[bytes], data: bytes) -> None:
    with suppress(OSError), pipe:  # a child that refuses early reads no further
        pipe.write(data)


def _receive(pipe: IO[bytes], name: str) -> Table:
    """The child's answer: a head with the columns, or the refusal; rows; and a last line."""
    lines = _read_lines(pipe, name)
    head = next(lines, None)
    if not isinstance(head, dict):
        raise _too_much(name)
    if "refused" in head:
        what, why, fix = map(str, head["refused"])
        raise BadInputError(what, why, fix)
    columns = tuple(map(str, head["columns"]))
    rows: list[dict[str, Any]] = []
    for line in lines:
        if isinstance(line, dict):  # the end
            return Table(name, str(head["format"]), columns, tuple(rows))
        rows += [dict(zip(columns, row, strict=True)) for row in line]
    raise _too_much(name)


def _read_lines(pipe: IO[bytes], name: str) -> Iterator[Any]:
    deadline, size = time.monotonic() + READ_SECONDS, 0
    begun: list[bytes] = []  # of the line that has not ended yet; joined once, however long it is
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise BadInputError(
                    f"'{name}' takes too long to read",
                    f"it was not read within {READ_SECONDS:.0f} seconds",
                    "Keep or sample a part of it, or save it as JSON lines",
                )
            chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise _too_much(name)
            if not chunk:
                return
            first, *others = chunk.split(b"\n")
            begun.append(first)
            for other in others:
                yield json.loads(b"".join(begun))
                begun = [other]


def _too_much(name: str) -> RftError:
    """The child was stopped by its limits before it could say a word."""
    return BadInputError(
        f"'{name}' is too large",
        "it needs more memory or time than any file of prompts should",
        "Keep or sample a part of it, or save it as JSON lines",
    )
