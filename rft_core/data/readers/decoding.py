"""From bytes to text, and which format the bytes are in.

Parquet and JSON announce themselves in their first characters, so their content wins over the file
name. Everything else is read as CSV, unless the name promises one of the other two: then the file
is broken rather than CSV, and saying so is kinder than importing one odd column.
"""

from __future__ import annotations

import codecs
import re
from pathlib import PurePosixPath

from rft_core.data.table import excerpt
from rft_core.errors import BadInputError

PARQUET_MAGIC = b"PAR1"

_FOREIGN_MAGIC = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\x1f\x8b": "compressed with gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF document",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_JSON_START = re.compile(r"\s*(\{|\[\s*(\{|\]))")
_JSON_EXTENSIONS = (".json", ".jsonl", ".ndjson")


def reject_foreign_formats(data: bytes, name: str) -> None:
    """Raise for empty files and for formats that people upload by mistake."""
    if not data or data.isspace():
        raise BadInputError(f"'{name}' is empty", "", "Upload a file with at least one row")
    for magic, description in _FOREIGN_MAGIC.items():
        if data.startswith(magic):
            raise BadInputError(
                f"'{name}' cannot be read",
                f"it is {description}",
                "Save it as CSV (UTF-8), JSON lines or Parquet",
            )


def decode_text(data: bytes, name: str) -> str:
    """UTF-8, or UTF-16 with its byte order mark; every line ending becomes a newline."""
    encoding, start = "utf-8", 0
    for mark, marked_encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            encoding, start = marked_encoding, len(mark)
    try:
        text = data[start:].decode(encoding)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].decode(encoding, "replace").count("\n") + 1
        raise BadInputError(
            f"'{name}', line {line}: not {encoding.upper()} text",
            f"byte 0x{error.object[error.start]:02X} cannot be decoded",
            "Save the file as UTF-8",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise BadInputError(
            f"'{name}', line {line}: the text contains a NUL byte",
            "the file is binary, or UTF-16 without its byte order mark",
            "Save it as UTF-8",
        )
    text = text.replace("\r\n", "\n")  # one copy at a time: a text may have 256 MB
    return text.replace("\r", "\n")


def detect_text_format(text: str, name: str) -> str:
    """ "json", "jsonl" or "csv", by the first characters; the file's extension breaks doubts."""
    extension = PurePosixPath(name).suffix.lower()
    if start := _JSON_START.match(text):
        return "jsonl" if start.group(1) == "{" else "json"
    if extension in _JSON_EXTENSIONS and text.lstrip().startswith(("[", '"')):
        return "jsonl"
    if extension in (".parquet", *_JSON_EXTENSIONS):
        raise BadInputError(
            f"'{name}' is not {'Parquet' if extension == '.parquet' else 'JSON'}",
            f"it begins with {excerpt(text.lstrip())}",
            "If it is a CSV file, rename it to .csv and upload it again",
        )
    return "csv"
