"""Files that want too much end in a refusal: the reader is a process with limits of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rft_core.data import read_table
from rft_core.data.readers import reading_process
from rft_core.data.readers.reading_child import MEMORY_BYTES
from rft_core.errors import BadInputError

FLOOD = 60_000_000  # bytes: just below the limit of a file
MEASURE = """
import json, resource, sys
from pathlib import Path
from rft_core.data import read_table
from rft_core.errors import BadInputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_table(Path(sys.argv[1]))
    said = ""
except BadInputError as error:
    said = str(error)
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"said": said, "grown": own - before, "child": child}))
"""


def measure(path: Path) -> tuple[str, float, float]:
    """What is said of a file; MiB that the caller grew by; MiB at the peak of the child."""
    command = [sys.executable, "-c", MEASURE, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(ended.stdout)
    return found["said"], found["grown"] / 1024, found["child"] / 1024


def write_parquet(path: Path, columns: dict[str, pa.Array]) -> Path:
    """By a process of its own, since making a bomb takes memory as well."""
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


def repeated(text: str, count: int) -> pa.Array:
    """One row: a list of the same text, which Parquet stores once."""
    indices = pa.array([0] * count, pa.int32())
    values = pa.DictionaryArray.from_arrays(indices, pa.array([text]))
    return pa.ListArray.from_arrays(pa.array([0, count], pa.int32()), values)


BOMBS = {
    "repeats.parquet": "too large",
    "zeros.parquet": "too large",
    "blank.csv": "blank lines",
    "blank.jsonl": "blank lines",
    "commas.csv": "cells",
    "header.csv": "columns",
    "objects.json": "more than 200,000 rows",
    "lists.json": "too large",
    "key.json": "column's name",
    "cells.csv": "cells",
    "scattered.jsonl": "cells",
    "open.csv": "longer than 1,000,000",
}


def make_bomb(path: Path) -> Path:
    if path.suffix == ".parquet":
        big = {name: repeated("x" * 99_999, 12_000) for name in "abcd"}
        zeros = {"q": pa.array([[0] * 30_000_000])} if path.stem == "zeros" else big
        return write_parquet(path, zeros)
    content = {
        "blank.csv": lambda: b"q,a\n" + b"\n" * FLOOD,
        "blank.jsonl": lambda: b'{"q": 1}' + b"\n" * FLOOD,
        "commas.csv": lambda: b"q,a\n" + b"," * FLOOD,
        "header.csv": lambda: b"," * 900_000 + b"\n",
        "objects.json": lambda: b"[" + b"{}," * (FLOOD // 3) + b"{}]",
        "lists.json": lambda: b'[{"q":[' + b"[]," * (FLOOD // 3) + b"[]]}]",
        "key.json": lambda: b'[{"' + b"k" * 50_000_000 + b'":1}]',
        "cells.csv": lambda: b"q" + b",".join(b"%d" % n for n in range(200)) + b"\n"
        + (b"," * 199 + b"\n") * 200_000,
        "scattered.jsonl": lambda: b"".join(b'{"k%d": 1}\n' % (n % 250) for n in range(190_000)),
        "open.csv": lambda: b'q,a\n"' + b"x\n" * (FLOOD // 2),
    }  # fmt: skip
    path.write_bytes(content[path.name]())
    return path


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_in_bounded_memory(name: str, tmp_path: Path) -> None:
    said, grown, child = measure(make_bomb(tmp_path / name))
    assert BOMBS[name] in said and "\n" not in said
    assert grown < 50, "MiB: the dashboard itself has not noticed"
    assert child < MEMORY_BYTES / 2**20 + 250, "MiB"


def test_a_reader_that_runs_for_ever_is_ended(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(reading_process, "READ_SECONDS", 0.0)
    with pytest.raises(BadInputError, match="takes too long to read"):
        read_table(b"q\nx\n", "x.csv")


def test_what_the_process_reads_is_what_the_file_holds(tmp_path: Path) -> None:
    rows = [{"q": f"é🙂\u2028\n{n}", "n": n, "l": [1, {"a": None}], "f": -0.5} for n in range(700)]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows))
    table = read_table(path)
    assert (table.name, table.format, table.columns) == ("x.jsonl", "jsonl", ("q", "n", "l", "f"))
    assert list(table.rows) == rows == list(read_table(path.read_bytes(), "x.jsonl").rows)


def test_a_path_that_is_no_readable_file_is_refused(tmp_path: Path) -> None:
    fifo = tmp_path / "x.csv"
    os.mkfifo(fifo)
    for bad in (tmp_path / "missing.csv", tmp_path, fifo):
        with pytest.raises(BadInputError, match="cannot be"):
            read_table(bad)


def test_a_file_above_the_limit_is_not_even_opened(tmp_path: Path) -> None:
    with (path := tmp_path / "x.csv").open("wb") as file:
        file.truncate(reading_process.MAX_FILE_BYTES + 1)  # sparse: takes no room
    with pytest.raises(BadInputError, match="the limit is 64 MiB"):
        read_table(path)
