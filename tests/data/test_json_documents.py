"""JSON files that are one object: columns, wrappings, or a row; what could be either is refused."""

import json

import pytest

from rft_core.data.readers.prompt_file import parse_table
from rft_core.errors import BadInputError

ROWS = ({"question": "a?", "answer": "1"}, {"question": "b?", "answer": "2"})
COLUMNS = {"question": ["a?", "b?"], "answer": ["1", "2"]}
FRAMED = [{"row_idx": at, "row": row, "truncated_cells": []} for at, row in enumerate(ROWS)]


def read(value, name="mine.json", indent=None):
    return parse_table(json.dumps(value, indent=indent).encode(), name).rows


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    "value",
    [
        COLUMNS,
        {key: dict(enumerate(column)) for key, column in COLUMNS.items()},
        {"columns": ["question", "answer"], "index": [0, 1], "data": [["a?", "1"], ["b?", "2"]]},
        {"data": ROWS},
        {"data": COLUMNS},
        {"version": "1.1", "license": ["MIT"], "examples": ROWS},
        {"train": ROWS},
        {"anything": ROWS},
        {"features": [{"name": "question"}], "rows": FRAMED, "num_rows_total": 2},
        FRAMED,
        ROWS,
    ],
)
def test_columns_and_wrappings_are_rows(value, indent):
    assert read(value, indent=indent) == ROWS


def test_framed_lines_are_rows_too():
    lines = "\n".join(map(json.dumps, FRAMED))
    assert parse_table(lines.encode(), "mine.jsonl").rows == ROWS


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"messages": [{"role": "user", "content": "a?"}] * 2}, "x.json"),
        ({"prompt": "a?", "constraints": [{"kind": "title"}]}, "x.json"),
        ({"nums": [1, 2], "target": 3}, "x.json"),
        ({"tests": [1, 2], "nums": [3, 4]}, "x.jsonl"),
        ({"question": "a?", "row": {"a": 1}}, "x.json"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("indent", [None, 2])
def test_one_object_that_is_a_row_stays_one(row, name, indent):
    assert read(row, name, indent) == (row,)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": ["x", "y"], "b": ["z"]}, "columns of different lengths. 'a' has 2, 'b' has 1"),
        ({"train": ROWS, "test": ROWS}, "holds several tables: train, test"),
        ({"data": ROWS, "rows": ROWS}, "holds several lists of rows: data, rows"),
        ({"data": [ROWS[0], 7]}, "Row 2 is a int, not an object"),
        ({"columns": ["a"], "data": [[1, 2]]}, "its data do not fit them"),
        ({"data": []}, "has no rows"),
        ({"a": [], "b": []}, "has no rows"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(value, message):
    with pytest.raises(BadInputError) as caught:
        read(value)
    assert message in str(caught.value)
