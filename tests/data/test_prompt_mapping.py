"""Columns into fields: good guesses, exact conversions, precise complaints."""

import json

import pytest

from rft_core.data import ColumnMapping, RowField, apply_mapping, read_table, suggest_mapping
from rft_core.data.nested import get_cell, list_columns
from rft_core.errors import BadInputError

COUNTDOWN = (RowField("nums", "integers"), RowField("target", "integer"))
GSM8K = (RowField("question", "text"), RowField("answer", "text"))


def table(text: str):
    return read_table(text.encode(), "x.csv")


def convert(cell: str, kind: str):
    fields = [RowField("field", kind)]
    source = read_table(f'{{"column": {cell}}}'.encode(), "x.jsonl")
    return apply_mapping(source, ColumnMapping({"field": "column"}), fields)[0]["field"]


def test_fields_are_found_by_name_alias_and_type():
    assert suggest_mapping(table('nums,target\n"[1, 2]",3\n'), COUNTDOWN) == {
        "nums": "nums",
        "target": "target",
    }
    assert suggest_mapping(table('Numbers,Goal\n"1 2 3",6\n'), COUNTDOWN) == {
        "nums": "Numbers",
        "target": "Goal",
    }
    assert suggest_mapping(table("Problem,Final Answer\nhow many,72\n"), GSM8K) == {
        "question": "Problem",
        "answer": "Final Answer",
    }
    assert suggest_mapping(table('foo,bar\n"[1, 2]",3\n'), COUNTDOWN)["target"] == "bar"


def test_a_column_of_the_right_name_but_wrong_type_is_not_suggested():
    assert "nums" not in suggest_mapping(table("nums,target\nhello,3\n"), COUNTDOWN)


def test_no_column_is_suggested_twice():
    suggested = suggest_mapping(table("answer\n72\n"), GSM8K)
    assert len(suggested) == len(set(suggested.values()))


@pytest.mark.parametrize(
    ("cell", "kind", "value"),
    [
        ("[15, 74, 9]", "integers", [15, 74, 9]),
        ('"[15 74  9]"', "integers", [15, 74, 9]),
        ('"15, 74, 9"', "integers", [15, 74, 9]),
        ('["15", 74.0]', "integers", [15, 74]),
        ('"1,234"', "integer", 1234),
        ("50.0", "integer", 50),
        ('"2.5"', "number", 2.5),
        ("72", "text", "72"),
        ("72.0", "text", "72"),
        ('{"a": 1}', "text", '{"a": 1}'),
        ('"[[1], 2]"', "list", [[1], 2]),
        ('"{\\"a\\": 1}"', "object", {"a": 1}),
        ("[1]", "any", [1]),
    ],
)
def test_cells_are_converted_to_the_kind_of_the_field(cell, kind, value):
    converted = convert(cell, kind)
    assert converted == value
    assert type(converted) is type(value)


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ('"x"', "integer"),
        ("2.5", "integer"),
        ("true", "integer"),
        ('"1e999"', "number"),
        ('"NaN"', "number"),
        ("7", "integers"),
        ('"a b"', "integers"),
        ('"x"', "list"),
        ("[1]", "object"),
    ],
)
def test_a_cell_of_the_wrong_kind_names_row_column_and_field(cell, kind):
    with pytest.raises(BadInputError, match=r"Row 1: column 'column'.*field 'field' needs a"):
        convert(cell, kind)


def test_an_empty_required_cell_is_refused_and_an_optional_one_kept():
    source = table("q,hint\na,\n,\n")
    fields = [RowField("q", "text"), RowField("hint", "text", required=False)]
    with pytest.raises(BadInputError, match="Row 2: column 'q' is empty"):
        apply_mapping(source, ColumnMapping({"q": "q", "hint": "hint"}), fields)


def test_unmapped_columns_are_kept_or_dropped_by_choice():
    source = table("Problem,answer,source,Solution\na,x,web,7\n")
    columns = {"question": "Problem", "answer": "Solution"}
    assert apply_mapping(source, ColumnMapping(columns), GSM8K) == (
        {"question": "a", "answer": "7", "source": "web"},
    )
    assert apply_mapping(source, ColumnMapping(columns, keep_unmapped=False), GSM8K) == (
        {"question": "a", "answer": "7"},
    )


def test_a_custom_task_needs_no_declared_fields():
    source = table('a,b\n"[1]",2\n')
    mapping = ColumnMapping({"numbers": "a"}, keep_unmapped=False)
    assert apply_mapping(source, mapping) == ({"numbers": [1]},)


def test_a_missing_column_or_field_lists_the_columns():
    with pytest.raises(BadInputError, match=r"'nope', which does not exist.*columns are a, b"):
        apply_mapping(table("a,b\n1,2\n"), ColumnMapping({"x": "nope"}))
    with pytest.raises(BadInputError, match=r"field 'nums'.*columns are a, b"):
        apply_mapping(table("a,b\n1,2\n"), ColumnMapping({}), COUNTDOWN)


VERL = {
    "prompt": "raw", "messages": [{"role": "user", "content": "2 + 2?"}],
    "reward_model": {"style": "rule", "ground_truth": "4"},
    "extra_info": {"answer": "It is.\n#### 4", "deep": {"er": {"still": 1}}},
}  # fmt: skip


def verl_table(*rows):
    lines = "\n".join(json.dumps(row) for row in rows or (VERL, VERL))
    return read_table(lines.encode(), "x.jsonl")


def test_values_inside_of_cells_are_columns_by_their_paths():
    source = verl_table()
    assert list_columns(source)[:4] == ("prompt", "messages", "reward_model", "extra_info")
    assert "reward_model.ground_truth" in list_columns(source)
    assert "extra_info.deep.er" in list_columns(source)
    assert "extra_info.deep.er.still" not in list_columns(source)
    assert suggest_mapping(source, GSM8K)["answer"] == "reward_model.ground_truth"
    mapping = ColumnMapping({"question": "prompt", "answer": "extra_info.answer"})
    row = apply_mapping(source, mapping, GSM8K)[0]
    assert row["answer"] == "It is.\n#### 4"
    assert row["reward_model"] == VERL["reward_model"]  # the others keep their names


def test_a_column_whose_name_has_dots_is_meant_before_a_path():
    source = verl_table({"a.b": 1, "a": {"b": 2}, "a.b.c": {"d": 3}})
    assert get_cell(source.rows[0], "a.b") == 1
    assert get_cell(source.rows[0], "a.b.c.d") == 3
    assert get_cell(source.rows[0], "a.x") is None and get_cell(source.rows[0], "x.y") is None


def test_a_path_that_leads_nowhere_is_refused_where_it_is_met():
    with pytest.raises(BadInputError, match=r"'reward_model\.gold', which does not exist"):
        apply_mapping(verl_table(), ColumnMapping({"answer": "reward_model.gold"}))
    source = verl_table(VERL, {**VERL, "reward_model": None})
    mapping = ColumnMapping({"question": "prompt", "answer": "reward_model.ground_truth"})
    with pytest.raises(BadInputError, match=r"Row 2: column 'reward_model\.ground_truth' is empty"):
        apply_mapping(source, mapping, GSM8K)


def test_a_text_field_takes_what_a_chat_asks_last_and_the_chat_stays():
    source = verl_table()
    mapping = ColumnMapping({"question": "messages", "answer": "prompt"}, keep_unmapped=False)
    row = apply_mapping(source, mapping, GSM8K)[0]
    assert row == {"question": "2 + 2?", "answer": "raw", "messages": VERL["messages"]}
    unanswered = verl_table({"messages": [{"role": "system", "content": "x"}], "answer": "1"})
    with pytest.raises(BadInputError, match="a chat in which a user's turn is to be answered"):
        apply_mapping(
            unanswered, ColumnMapping({"question": "messages", "answer": "answer"}), GSM8K
        )
