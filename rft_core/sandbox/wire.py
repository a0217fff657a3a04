"""The one shape of what crosses the jail's wall: a 4-byte length, then JSON. Never pickle."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping
from typing import Any

HEADER_BYTES = 4
MOST_PARTS = 4_000_000  # commas and brackets, those within texts counted


def to_json(value: Any) -> str:
    """As text; what JSON does not know (arrays, dates, sets) as the nearest that it does."""
    return json.dumps(value, default=_plain)


def pack(value: Mapping[str, Any]) -> bytes:
    body = to_json(value).encode()
    return struct.pack(">I", len(body)) + body


def missing_bytes(received: bytes | bytearray) -> int:
    """How many bytes the frame still lacks; less than 0 if there are too many."""
    if len(received) < HEADER_BYTES:
        return HEADER_BYTES - len(received)
    (length,) = struct.unpack(">I", received[:HEADER_BYTES])
    return HEADER_BYTES + int(length) - len(received)


def unpack(received: bytes | bytearray) -> dict[str, Any]:
    """The value of exactly one whole frame. Raises `ValueError` for anything else."""
    if missing_bytes(received) != 0:
        raise ValueError("not one whole frame")
    if sum(received.count(sign) for sign in b"[{,") > MOST_PARTS:
        raise ValueError("too many parts")  # each takes up to 100 times its text's memory
    try:
        value = json.loads(bytes(received[HEADER_BYTES:]))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def read_frame(fd: int) -> dict[str, Any] | None:
    """Wait for the next frame; None at the end of the pipe."""
    received = bytearray()
    while (missing := missing_bytes(received)) > 0:
        part = os.read(fd, min(missing, 1 << 20))
        if not part:
            return None
        received += part
    return unpack(received)


def write_frame(fd: int, value: Mapping[str, Any]) -> None:
    view = memoryview(pack(value))
    while view:
        view = view[os.write(fd, view) :]


def _plain(value: Any) -> Any:
    """Row values that JSON does not know: arrays from Parquet, dates, sets ..."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return list(value) if isinstance(value, set | tuple) else str(value)
