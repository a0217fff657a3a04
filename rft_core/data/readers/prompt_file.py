"""A prompt file (CSV, JSON lines, JSON array, Parquet) -> Table: everything, or one clear error.

`read_table` is pure: it never stores anything, so a file with one bad row imports nothing by
halves. The meaning of the columns is decided later, in `mapping`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rft_core.data.readers.csv_rows import read_csv_rows
from rft_core.data.readers.decoding import (
    PARQUET_MAGIC,
    decode_text,
    detect_text_format,
    reject_foreign_formats,
)
from rft_core.data.table import (
    MAX_ROWS,
    MAX_TOTAL_CHARS,
    Table,
    build_table,
    clean_file_name,
    excerpt,
)
from rft_core.errors import BadInputError

MAX_FILE_BYTES = 256 * 2**20
_PARQUET_BATCH = 256


def read_table(source: bytes | Path, file_name: str = "") -> Table:
    """Read an uploaded file. `file_name` is a hint for the format and the table's name.

    Raises BadInputError, with the row and line where there is one, for anything unreadable.
    """
    if isinstance(source, Path):
        file_name = file_name or source.name
    name = clean_file_name(file_name)
    data = _load_bytes(source, name)
    reject_foreign_formats(data, name)
    if data.startswith(PARQUET_MAGIC):
        return _read_parquet(data, name)
    text = decode_text(data, name)
    if not text.strip():
        raise BadInputError(f"'{name}' is empty", "", "Upload a file with at least one row")
    format_ = detect_text_format(text, name)
    if format_ == "csv":
        columns, rows = read_csv_rows(text, name)
        return build_table(name, format_, rows, columns)
    located = _iterate_json_lines(text) if format_ == "jsonl" else _iterate_json_array(text, name)
    return build_table(name, format_, located)


def _load_bytes(source: bytes | Path, name: str) -> bytes:
    try:
        size = source.stat().st_size if isinstance(source, Path) else len(source)
        if size > MAX_FILE_BYTES:
            raise BadInputError(
                f"'{name}' is too large",
                f"it has {size / 2**20:,.0f} MiB, the limit is {MAX_FILE_BYTES // 2**20} MiB",
                "Keep or sample a part of it; reinforcement fine-tuning works from ten prompts",
            )
        return source.read_bytes() if isinstance(source, Path) else source
    except OSError as error:
        raise BadInputError(
            f"'{name}' cannot be opened", error.strerror or str(error), "Check the path"
        ) from error


def _iterate_json_lines(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    row = 0
    for line, content in enumerate(text.split("\n"), start=1):
        if not content.strip():
            continue
        row += 1
        where = f"Row {row} (line {line})"
        try:
            value = json.loads(content, object_pairs_hook=_unique_keys)
        except json.JSONDecodeError as error:
            raise BadInputError(
                f"{where} is not valid JSON",
                f"{error.msg} at column {error.colno}",
                'Each line must hold one whole object, such as {"question": "...", "answer": 7}',
            ) from error
        except (ValueError, RecursionError) as error:
            raise BadInputError(f"{where} cannot be read", str(error), "Correct it") from error
        yield where, _expect_object(where, value)


def _iterate_json_array(text: str, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        items = json.loads(text, object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise BadInputError(
            f"'{name}', line {error.lineno}: not valid JSON",
            f"{error.msg} at column {error.colno}",
            "Correct it, or write one object per line (JSON lines)",
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"'{name}' cannot be read", str(error), "Correct it") from error
    for row, item in enumerate(items, start=1):
        yield f"Row {row}", _expect_object(f"Row {row}", item)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {excerpt(key)} appears twice in one object")
        found[key] = value
    return found


def _expect_object(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInputError(
            f"{where} is a {type(value).__name__}, not an object",
            "each row needs named columns",
            'Write it as {"question": ...}',
        )
    return value


def _read_parquet(data: bytes, name: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _check_parquet_size(file.metadata, file.schema_arrow.names, name)
        return build_table(name, "parquet", _iterate_parquet(file), file.schema_arrow.names)
    except BadInputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, LookupError) as error:
        raise BadInputError(
            f"'{name}' is a damaged Parquet file",
            str(error).partition("\n")[0][:200],
            "Write it again, or save the data as JSON lines",
        ) from error


def _iterate_parquet(file: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    row = 0
    for batch in file.iter_batches(batch_size=_PARQUET_BATCH):
        for values in batch.to_pylist():
            row += 1
            yield f"Row {row}", values


def _check_parquet_size(metadata: Any, columns: list[str], name: str) -> None:
    """Parquet declares its size, so a file that unpacks to gigabytes is refused unread."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    unpacked = sum(group.total_byte_size for group in groups)
    if metadata.num_rows > MAX_ROWS or unpacked > MAX_TOTAL_CHARS:
        raise BadInputError(
            f"'{name}' is too large",
            f"it has {metadata.num_rows:,} rows and unpacks to {unpacked / 2**20:,.0f} MiB",
            f"Keep or sample at most {MAX_ROWS:,} rows",
        )
    for column in columns:
        if columns.count(column) > 1:
            raise BadInputError(
                f"'{name}': two columns are called {excerpt(column)}", "", "Rename one of them"
            )
