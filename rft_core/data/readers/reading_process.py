"""Reading prompts in a process of its own, so that no file or dataset can take the dashboard down.

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

from rft_core.data.readers.hub import Progress
from rft_core.data.readers.prompt_file import MAX_FILE_BYTES
from rft_core.data.table import Table, clean_file_name
from rft_core.errors import BadInputError, RftError
from rft_core.paths import PROJECT_ROOT

READ_SECONDS = 120.0  # by the clock; the child has half as much of the processor
FETCH_SECONDS = 600.0  # of a dataset that has to be downloaded
MAX_ANSWER_BYTES = 6 * MAX_FILE_BYTES  # a table's text, with room for escapes and for UTF-8
_CHUNK_BYTES = 2**20
# The memory pool heeds the limit; a thread for each core would take much of it for nothing.
_SPARING = {
    "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2",
}  # fmt: skip


def read_table(source: bytes | Path, file_name: str = "") -> Table:
    """Read an uploaded file. `file_name` is a hint for the format and the table's name.

    Raises BadInputError, with the row and line where there is one, for anything unreadable, and for
    what takes more than `READ_SECONDS` or more memory than any file of prompts needs.
    """
    if isinstance(source, Path):
        file_name = file_name or source.name
    name = clean_file_name(file_name)
    _check_size(source, name)
    path = str(source.resolve()) if isinstance(source, Path) else ""
    content = source if isinstance(source, bytes) else b""
    return _run_child(["file", name, path], content, READ_SECONDS, None)


def load_hub_rows(
    name: str,
    split: str = "train",
    limit: int | None = None,
    *,
    subset: str | None = None,
    on_progress: Progress | None = None,
) -> Table:
    """The first `limit` rows of a split. `subset` is the hub's configuration name (`main`).

    A `name` that is a folder here is read as a dataset. Raises BadInputError for an unknown
    dataset, subset or split and for what is too much, RftError without a network.
    """
    folder = Path(name).expanduser()
    is_local = folder.is_dir()
    words = [str(folder.resolve()) if is_local else name, split, str(limit or ""), subset or ""]
    for word in (name, split, subset or ""):
        if "\0" in word:
            raise BadInputError(
                f"{word!r} cannot be a name", "it holds a null character", "Write the name anew"
            )
    seconds = READ_SECONDS if is_local else FETCH_SECONDS
    return _run_child(["hub", *words], b"", seconds, on_progress)


def _run_child(
    words: list[str], content: bytes, seconds: float, on_progress: Progress | None
) -> Table:
    child = subprocess.Popen(
        [sys.executable, "-m", "rft_core.data.readers.reading_child", *words],
        cwd=PROJECT_ROOT, env=os.environ | _SPARING,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert child.stdin and child.stdout
    sender = threading.Thread(target=_send, args=(child.stdin, content), daemon=True)
    sender.start()
    name = clean_file_name(words[1])
    try:
        lines = _read_lines(child.stdout, name, seconds)
        return _receive(_without_progress(lines, on_progress), name)
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


def _without_progress(lines: Iterator[Any], on_progress: Progress | None) -> Iterator[Any]:
    for line in lines:
        if not (isinstance(line, dict) and "read" in line):
            yield line
        elif on_progress is not None:
            on_progress(line["read"])


def _receive(lines: Iterator[Any], name: str) -> Table:
    """The child's answer: a head with the columns, or the refusal; rows; and a last line."""
    head = next(lines, None)
    if not isinstance(head, dict):
        raise _too_much(name)
    if "refused" in head:
        what, why, fix = map(str, head["refused"])
        raise (BadInputError if head["fault"] == "bad input" else RftError)(what, why, fix)
    columns = tuple(map(str, head["columns"]))
    rows: list[dict[str, Any]] = []
    for line in lines:
        if isinstance(line, dict):  # the end
            return Table(name, str(head["format"]), columns, tuple(rows))
        rows += [dict(zip(columns, row, strict=True)) for row in line]
    raise _too_much(name)


def _read_lines(pipe: IO[bytes], name: str, seconds: float) -> Iterator[Any]:
    deadline, size = time.monotonic() + seconds, 0
    begun: list[bytes] = []  # of the line that has not ended yet; joined once, however long it is
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise BadInputError(
                    f"'{name}' takes too long to read",
                    f"it was not read within {seconds:.0f} seconds",
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
