"""Answers to probe with: golds in rows, wrong ones, near misses, pieces and hedges."""

import json

import pytest

from rft_core.diagnosis.probes.answers import (
    hedges,
    is_same,
    kind_of,
    list_golds,
    long_lists,
    near_misses,
    pieces,
    wrong_answers,
)

GOLDS = ["42", "-7", "3.5", "1,200", "1/3", "c", "B", "Paris", "yes", '{"a": 1, "b": ["x"]}',
         "74 - 15 - 9", "The train leaves at nine o'clock."]  # fmt: skip


@pytest.mark.parametrize("gold", GOLDS)
def test_no_wrong_answer_near_miss_or_piece_is_the_right_one(gold: str) -> None:
    found = [*wrong_answers(gold, ["1", gold, "zebra"]), *near_misses(gold), *pieces(gold)]
    assert len(wrong_answers(gold, [])) >= 1
    assert not [answer for answer in found if is_same(answer, gold)]


@pytest.mark.parametrize("gold", GOLDS)
def test_a_hedge_holds_the_right_answer_among_others(gold: str) -> None:
    wrong = wrong_answers(gold, [])
    for text in [*hedges(gold, wrong), *long_lists(gold)]:
        assert not is_same(text, gold)
    assert any(text.startswith(gold) for text in hedges(gold, wrong))
    assert any(text.endswith(gold) for text in hedges(gold, wrong))


def test_a_near_miss_is_further_off_than_a_fair_tolerance() -> None:
    for gold in ("3", "42", "1000", "0.5"):
        near = [abs(float(miss)) for miss in near_misses(gold)]
        assert near and all(
            abs(value - float(gold)) > 0.02 * float(gold) for value in near if value != float(gold)
        )
    assert "24" in near_misses("42") and "-42" in near_misses("42")


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("42", "number"), ("$1,200.50", "number"), ("c", "letter"), ("New York", "word"),
     ('{"a": 1}', "json"), ("{broken", "text"), ("74 - 15", "text")],
)  # fmt: skip
def test_answers_have_kinds(answer: str, kind: str) -> None:
    assert kind_of(answer) == kind


def test_golds_are_sought_in_columns_that_the_prompt_does_not_recite() -> None:
    row = {"question": "How many?", "hint": "many", "steps": "six by seven", "answer": "… #### 42"}
    found = [(gold.column, gold.answer) for gold in list_golds(row, "How many?")]
    assert found == [("answer", "42"), ("answer", "… #### 42"), ("steps", "six by seven")]


def test_a_scrambled_object_keeps_its_shape() -> None:
    gold = {"name": "Ada", "age": 36, "ok": True, "tags": ["x", "y"]}
    wrong = json.loads(wrong_answers(json.dumps(gold), [])[0])
    assert wrong.keys() == gold.keys() and len(wrong["tags"]) == 2
    assert not [name for name in gold if wrong[name] == gold[name]]
