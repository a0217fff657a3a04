"""Files into tables: what is understood, and how precisely the rest is refused."""

import datetime
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rft_core.data import table
from rft_core.data.readers.prompt_file import parse_table
from rft_core.data.table import clean_file_name
from rft_core.errors import BadInputError

COUNTDOWN_CSV = 'nums,target,note\n"[15, 74, 9]",50,"a, b"\n"[1, 2, 3]",6,\n'
COUNTDOWN_ROWS = (
    {"nums": [15, 74, 9], "target": 50, "note": "a, b"},
    {"nums": [1, 2, 3], "target": 6, "note": ""},
)


def refusal(data: bytes, name: str = "prompts.csv") -> str:
    with pytest.raises(BadInputError) as caught:
        parse_table(data, name)
    assert "\n" not in str(caught.value)
    assert caught.value.fix, "every refusal says what to do"
    return str(caught.value)


def parquet_bytes(columns: dict[str, list]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_csv_is_read_in_every_encoding_and_line_ending(encoding, newline):
    data = COUNTDOWN_CSV.replace("\n", newline).encode(encoding)
    result = parse_table(data, "x.csv")
    assert (result.format, result.columns, result.rows) == (
        "csv",
        ("nums", "target", "note"),
        COUNTDOWN_ROWS,
    )


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_csv_delimiters_are_recognised(delimiter):
    text = f'question{delimiter}answer\n"1, 2; 3"{delimiter}7\n'
    assert parse_table(text.encode(), "x.csv").rows == ({"question": "1, 2; 3", "answer": 7},)


def test_one_column_of_prompts_is_enough():
    assert parse_table(b"prompt\nhello\n\nworld", "x.csv").rows == (
        {"prompt": "hello"},
        {"prompt": "world"},
    )


def test_a_csv_column_is_typed_only_when_nothing_is_lost():
    text = (
        "int,float,mixed,zeros,decimals,flag,gaps,words\n"
        "1,0.5,1,007,1.50,true,1,1\n"
        "-2,2.5,x,010,2.25,false,,true\n"
    )
    first, second = parse_table(text.encode(), "x.csv").rows
    assert list(first.values()) == [1, 0.5, "1", "007", "1.50", True, 1, "1"]
    assert list(second.values()) == [-2, 2.5, "x", "010", "2.25", False, None, "true"]


def test_an_unnamed_index_column_gets_a_name():
    assert parse_table(b",q\n0,a\n", "x.csv").columns == ("column_1", "q")


def test_lists_and_objects_in_csv_are_read_as_json_or_as_pandas_writes_them():
    turns = [{"content": "it's\n2", "role": "user"}, {"content": "x", "role": "assistant"}]
    cells = [json.dumps(turns), repr(turns), repr(turns).replace("}, {", "}\n {")]
    quoted = ('"' + cell.replace('"', '""') + '"' for cell in cells)
    rows = parse_table(("chat,n\n" + "".join(f"{c},1\n" for c in quoted)).encode(), "x.csv").rows
    assert [row["chat"] for row in rows] == [turns] * 3
    for text in ("{1, 2}", "[1, {2}]", "[f(1)]", "{'a': b'x'}", "[15 74 9]", "['a'"):
        [row] = parse_table(f'cell,n\n"{text}",1\n'.encode(), "x.csv").rows
        assert row["cell"] == text


def test_jsonl_keeps_types_and_fills_missing_keys():
    lines = b'{"nums": [1, 2], "meta": {"a": null}}\r\n\r\n{"nums": [3], "target": 7.5}\r\n'
    result = parse_table(lines, "x.jsonl")
    assert result.columns == ("nums", "meta", "target")
    assert result.rows == (
        {"nums": [1, 2], "meta": {"a": None}, "target": None},
        {"nums": [3], "meta": None, "target": 7.5},
    )


def test_json_lines_may_hold_unicode_line_separators():
    line = json.dumps({"q": "a\u2028b\x85c"}, ensure_ascii=False).encode()
    assert parse_table(line, "x.jsonl").rows == ({"q": "a\u2028b\x85c"},)


def test_a_json_array_of_objects_is_read():
    data = b'[\n  {"q": "a"},\n  {"q": "b"}\n]'
    assert parse_table(data, "x.json").rows == ({"q": "a"}, {"q": "b"})


def test_parquet_values_become_plain_json_values():
    data = parquet_bytes(
        {
            "nums": [[15, 74, 9], [1, 2, 3]],
            "price": [Decimal("1.50"), Decimal("2.00")],
            "day": [datetime.date(2026, 1, 2), None],
            "score": [float("nan"), 0.5],
            "raw": [b"abc", b"d"],
        }
    )
    result = parse_table(data, "x.parquet")
    assert result.rows[0] == {
        "nums": [15, 74, 9],
        "price": 1.5,
        "day": "2026-01-02",
        "score": None,
        "raw": "abc",
    }
    assert json.dumps(result.rows, allow_nan=False)


@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x", "x.jsonl"])
def test_content_wins_over_a_wrong_extension(name):
    assert parse_table(parquet_bytes({"q": ["a"]}), name).format == "parquet"
    assert parse_table(b'{"q": "a"}', name).format == "jsonl"


@pytest.mark.parametrize("name", ["x.jsonl", "x.json", "x.parquet"])
def test_csv_under_a_wrong_extension_is_named(name):
    message = refusal(COUNTDOWN_CSV.encode(), name)
    assert "nums,target,note" in message
    assert "rename it to .csv" in message


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "'prompts.csv' is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b" \r\n\t\n", "is empty"),
        (b"question,answer\n", "only a header"),
        (b"a,b,a\n1,2,3\n", "two columns are called 'a'. columns 1 and 3"),
        (b"a,b\n1,2\n3\n", "Row 2 (line 3) has 1 cell, the header has 2"),
        (b'a,b\n"x\ny",2\n1,2,3\n', "Row 2 (line 4) has 3 cells, the header has 2"),
        (b'a,b\n1,2\n3,"open\n5,6\n', "Row 2 (line 3) is broken. a double quote is opened"),
        (b'a,b\n1,"x"y\n', "Row 1 (line 2) is broken. text follows a closing double quote"),
        (b"a\nx\ny\x00z\n", "line 3: the text contains a NUL byte"),
        ("a\nx\n".encode("utf-16-le"), "UTF-16 without its byte order mark"),
        (b"a\nx\ncaf\xe9\n", "line 3: not UTF-8 text. byte 0xE9"),
        (b"\xff\xfea\x00\n\x00\x00\xd8", "line 2: not UTF-16-LE text"),
        (b"15,74,9\n1,2,3\n", "has no header"),
        (b"PK\x03\x04rest", "an Excel workbook or a zip archive"),
        (b"\x1f\x8bxx", "compressed with gzip"),
        (b"PAR1 and nothing else", "damaged Parquet"),
        (b'{"q": 1}\n{"q": }\n', "Row 2 (line 2) is not valid JSON. Expecting value at column 7"),
        (b'{"q": 1}\n\n[1, 2]\n', "Row 2 (line 3) is a list, not an object"),
        (b'{"q": 1, "q": 2}', "Row 1 (line 1) cannot be read. the key 'q' appears twice"),
        (b'{"q": "\\u0000"}', "Row 1 (line 1): column 'q' cannot be read. it contains a NUL"),
        (b'{"q": "\\ud800"}', "half of a surrogate pair"),
        (b'{"q": 1}\n{"q": 1e999}', "Row 2 (line 2): column 'q' cannot be read. it is an infinite"),
        (b'{"q": ' + b"[" * 30 + b"]" * 30 + b"}", "nested more than 20 levels"),
        (b'{"q": ' + b"[" * 100_000, "Row 1 (line 1)"),
        (b'[{"q": 1},\n {"q" 2}]', "line 2: not valid JSON"),
        (b'[{"q": 1}, 7]', "Row 2 is a int, not an object"),
        (b"[]", "has no rows"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(data, expected):
    assert expected in refusal(data)


def test_a_ten_megabyte_cell_is_refused_in_every_format():
    big = "x" * 10_000_000
    assert "Row 2 (line 3)" in refusal(f"q\nok\n{big}\n".encode())
    assert "cell of 10,000,000 characters" in refusal(
        f'{{"q": "ok"}}\n{{"q": "{big}"}}\n'.encode(), "x.jsonl"
    )
    assert "Row 2: column 'q' has a cell" in refusal(parquet_bytes({"q": ["ok", big]}))
    assert "Row 1: column 'q' has a cell" in refusal(parquet_bytes({"q": [[big[:999_999]] * 2]}))


def test_a_million_rows_are_refused_in_every_format():
    assert "more than 200,000 rows" in refusal(b"q\n" + b"x\n" * 1_000_000)
    assert "more than 200,000 rows" in refusal(b'{"q":1}\n' * 1_000_000)
    assert "1,000,000 rows" in refusal(parquet_bytes({"q": [1] * 1_000_000}))


def test_too_much_text_is_refused(monkeypatch):
    monkeypatch.setattr(table, "MAX_TOTAL_CHARS", 1000)
    assert "its text is longer than 1,000 characters" in refusal(b"q\n" + b"abcdefghi\n" * 200)


def test_too_many_columns_are_refused():
    lines = b"".join(b'{"k%d": 1}\n' % i for i in range(300))
    assert "Row 257 (line 257): more than 256 columns" in refusal(lines)


def test_duplicate_parquet_columns_are_refused():
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"]), sink)
    assert "two columns are called 'a'" in refusal(sink.getvalue())


@pytest.mark.parametrize(
    ("given", "clean"),
    [
        ("../../etc/passwd.csv", "passwd.csv"),
        ("C:\\Users\\me\\my prompts.csv", "my prompts.csv"),
        ("..", "prompts"),
        ("", "prompts"),
        ("a\x00b\n<c>.csv", "a_b__c_.csv"),
        (".bashrc", "bashrc"),
        ("größe.csv", "größe.csv"),
        ("x" * 300 + ".csv", "x" * 80 + ".csv"),
    ],
)
def test_file_names_are_reduced_to_harmless_labels(given, clean):
    assert clean_file_name(given) == clean
    assert parse_table(b"q\n1", given).name == clean


def test_the_first_spaces_of_a_csv_cell_are_kept():
    """They are the indentation of code, and a quoted or plain cell may begin with it."""
    rows = parse_table(b'prompt,answer\n    return x + 1,7\n"    y, z",  8 apples\n', "x.csv").rows
    assert [row["prompt"] for row in rows] == ["    return x + 1", "    y, z"]
    assert rows[1]["answer"] == "  8 apples"


def test_a_quote_after_a_space_still_opens_a_cell():
    """People write `a, "b, c"`; what stands in quotes is left alone even if it looks like that."""
    rows = parse_table(b'q,a\nx, "b, c"\n"x, ""y"", z",   "d"\n', "x.csv").rows
    assert rows == ({"q": "x", "a": "b, c"}, {"q": 'x, "y", z', "a": "d"})


def test_a_header_with_spaces_after_its_commas_says_that_the_cells_have_one_too():
    rows = parse_table(b"q, a, n\nx,     return 1, 2\ny,b,3\n", "x.csv").rows
    assert rows == ({"q": "x", "a": "    return 1", "n": 2}, {"q": "y", "a": "b", "n": 3})


def test_json_arrays_are_decoded_item_by_item():
    """A fault in the second row is found although the third is no JSON at all."""
    assert "Row 2 is a list, not an object" in refusal(b'[{"q": 1}, [2], {{{{', "x.json")
    assert "Expecting ',' delimiter" in refusal(b'[{"q": 1} {"q": 2}]', "x.json")
    assert "Extra data" in refusal(b'[{"q": 1}] []', "x.json")
    assert "line 2: not valid JSON" in refusal(b'[{"q": 1},\n]', "x.json")
    assert "not valid JSON" in refusal(b'[{"q": 1}', "x.json")


@pytest.mark.parametrize("name", ["x.csv", "x.jsonl"])
def test_numbers_of_thousands_of_digits_are_one_sentence_or_text(name):
    digits = b"9" * 5000
    if name == "x.csv":
        assert parse_table(b"q,n\nx," + digits, name).rows[0]["n"] == digits.decode()
    else:
        assert "more than 4,300 digits" in refusal(b'{"q": ' + digits + b"}", name)
