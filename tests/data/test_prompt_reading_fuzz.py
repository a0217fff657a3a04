"""Any bytes at all: a table of plain JSON values, or one clear error."""

import io
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq

from rft_core.data import Table
from rft_core.data.readers.prompt_file import parse_table
from rft_core.errors import BadInputError

MUTATIONS = 2_000
NAMES = ("a.csv", "a.jsonl", "a.json", "a.parquet", "a", "../a.TXT")
FRAGMENTS = (
    b'"',
    b"\n",
    b"\r",
    b",",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\u",
    b"\x00",
    b"\xff\xfe",
    b"\xef",
)


def _seeds() -> list[bytes]:
    rows = [
        {"nums": [15, 74, 9], "target": 50, "q": 'é,\n"x" and a longer piece of text' * 3},
        {"nums": [1], "target": -2.5},
    ]
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    text = 'q,n,"l"\n"a, ""b""",1,"[1, 2]"\nc and a longer text,2,"[3]"\n'
    return [
        text.encode(),
        text.encode("utf-16"),
        "\n".join(map(json.dumps, rows)).encode(),
        json.dumps(rows, indent=1).encode("utf-8-sig"),
        sink.getvalue(),
    ]


def _mutate(data: bytes, rng: random.Random) -> bytes:
    mutated = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 6))):
        at = rng.randint(0, len(mutated))
        match rng.randrange(5):
            case 0:
                mutated[at:at] = rng.choice(FRAGMENTS)
            case 1:
                del mutated[at : at + rng.randint(1, 20)]
            case 2:
                mutated[at : at + 1] = rng.randbytes(1)
            case 3:
                mutated[at:at] = mutated[rng.randint(0, len(mutated)) :][:30]
            case _:
                mutated[at:at] = rng.randbytes(rng.randint(1, 8))
    return bytes(mutated)


def test_any_bytes_give_a_table_or_a_clear_error():
    rng = random.Random(7)
    seeds = _seeds()
    tables = 0
    for _ in range(MUTATIONS):
        data = _mutate(rng.choice(seeds), rng)
        try:
            result = parse_table(data, rng.choice(NAMES))
        except BadInputError as error:
            assert error.what
            assert "\n" not in str(error)
            continue
        tables += 1
        assert isinstance(result, Table)
        assert result.rows
        assert all(tuple(row) == result.columns for row in result.rows)
        json.dumps(result.rows, allow_nan=False, ensure_ascii=False).encode("utf-8")
    assert MUTATIONS // 10 < tables < MUTATIONS, "the mutations must reach both outcomes"
