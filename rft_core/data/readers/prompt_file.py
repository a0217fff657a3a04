"""A prompt file (CSV, JSON lines, JSON array, Parquet) -> Table: everything, or one clear error.

Pure functions from bytes to rows: nothing is stored, so a file with one bad row imports nothing by
halves. `reading_process.py` runs them where they can do no harm. The meaning of the columns is
decided later, in `mapping`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rft_core.data.readers.csv_rows import read_csv_rows
from rft_core.data.readers.decoding import (
    PARQUET_MAGIC,
    decode_text,
    detect_text_format,
    reject_foreign_formats,
)
from rft_core.data.readers.json_document import read_document, unframe
from rft_core.data.readers.json_rows import iterate_json_array, iterate_json_lines
from rft_core.data.table import (
    MAX_ROWS,
    MAX_TOTAL_CHARS,
    Table,
    build_table,
    clean_file_name,
    excerpt,
)
from rft_core.errors import BadInputError

LINE_EXTENSIONS = (".jsonl", ".ndjson")  # one object there is one row, whatever it holds
MAX_FILE_BYTES = 64 * 2**20
MAX_BATCH_BYTES = 128 * 2**20  # of up to `_PARQUET_BATCH` rows, before they become values
_PARQUET_BATCH = 256


def parse_table(data: bytes, file_name: str = "") -> Table:
    """Parse a file's bytes. `file_name` is a hint for the format and the table's name.

    Raises BadInputError, with the row and line where there is one, for anything unreadable, and
    MemoryError where a few bytes stand for more than there is: hostile files are for `read_table`.
    """
    name = clean_file_name(file_name)
    reject_foreign_formats(data, name)
    if data.startswith(PARQUET_MAGIC):
        return _read_parquet(data, name)
    text = decode_text(data, name)
    if not text or text.isspace():
        raise BadInputError(f"'{name}' is empty", "", "Upload a file with at least one row")
    format_ = detect_text_format(text, name)
    if format_ == "csv":
        columns, rows = read_csv_rows(text, name)
        return build_table(name, format_, rows, columns)
    if format_ == "json":
        return build_table(name, format_, unframe(iterate_json_array(text, name)))
    is_lines = name.casefold().endswith(LINE_EXTENSIONS)
    if (whole := read_document(text, name, is_lines=is_lines)) is not None:
        return build_table(name, "json", unframe(iter(whole)))
    return build_table(name, format_, unframe(iterate_json_lines(text)))


def _read_parquet(data: bytes, name: str) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data), memory_map=False, pre_buffer=False)
        _check_parquet_size(file.metadata, file.schema_arrow.names, name)
        return build_table(name, "parquet", _iterate_parquet(file), file.schema_arrow.names)
    except (BadInputError, MemoryError):  # Arrow's own error is a MemoryError as well
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, LookupError) as error:
        raise BadInputError(
            f"'{name}' is a damaged Parquet file",
            str(error).partition("\n")[0][:200],
            "Write it again, or save the data as JSON lines",
        ) from error


def _iterate_parquet(file: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    row = 0
    for batch in file.iter_batches(batch_size=_PARQUET_BATCH, use_threads=False):
        if batch.nbytes > MAX_BATCH_BYTES:
            raise BadInputError(
                f"Rows {row + 1:,} to {row + batch.num_rows:,} are too large",
                f"they unpack to {batch.nbytes / 2**20:,.0f} MiB",
                "Remove the rows or the columns that hold so much",
            )
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
