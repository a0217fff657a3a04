"""JSON against gold JSON: fields that are right count, made-up ones cost."""

import pytest

from rft_core.rewards.structured.json_match import grade_json_match

GOLD = {"name": "Ann Lee", "age": 31, "tags": ["a", "b"], "on": True, "none": None, "list": []}
RIGHT = (
    '{"on": true, "age": 31.0, "name": " ann  lee", "tags": ["a","b"], "none": null, "list": []}'
)


def score(text: str, gold=GOLD, **options):
    return grade_json_match(f"<answer>{text}</answer>", {"answer": gold}, **options).score


def test_the_same_content_in_any_layout_is_full():
    assert score(RIGHT) == score(RIGHT, partial=True) == 1.0
    assert score(RIGHT.replace(",", ",\n  ")) == 1.0
    assert score("[1, 2]", "[1, 2]") == 1.0
    assert score(f"```json\n{RIGHT}\n```") == 1.0
    assert score('{"n": "Zoe\u0308"}', {"n": "Zo\u00eb"}) == 1.0


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "{", RIGHT + RIGHT, RIGHT.replace("31.0", "32"),
     RIGHT.replace("true", "1"), RIGHT.replace("31.0", '"31"'), RIGHT.replace('"a","b"', '"b","a"'),
     RIGHT[:-1] + ', "x": 1}', RIGHT[:-1] + ', "age": 5}', RIGHT.replace("null", "NaN"),
     "[" * 9000, "x" * 101_000, f"```\n{RIGHT}\n```\n```\n{RIGHT}\n```"],
)  # fmt: skip
def test_what_differs_is_not_full(text):
    assert score(text) == 0.0


def test_fields_are_not_looked_for_in_a_hundred_nested_lists():
    deep, deeper = ("[" * depth + "1," * 40_000 + "1" + "]" * depth for depth in (50, 400))
    assert score(deep, deep) == 1.0
    assert score(deeper, "[1]") == 0.0 and score("[1]", deeper) is None


def test_partial_credit_is_f1_so_that_spam_costs():
    assert score(RIGHT.replace("31.0", "32"), partial=True) == pytest.approx(6 / 7)
    spam = RIGHT[:-1] + "".join(f', "x{i}": {i}' for i in range(93)) + "}"
    assert score(spam, partial=True) < 0.15


@pytest.mark.parametrize("gold", [None, "", "{", {}, []])
def test_a_row_without_gold_is_unscored(gold):
    assert score("{}", gold) is None
