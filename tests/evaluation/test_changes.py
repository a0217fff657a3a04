"""The rows that turned right or wrong, known by what they hold."""

import pytest

from rft_core.errors import NotFoundError
from rft_core.evaluation.changes import list_changes
from rft_core.evaluation.held_out import make_row_id
from tests.evaluation.judged import match, write

#                       0      1      2      3      4      5
BEFORE = write("base", "bbb", "Abb", "AAb", "AAA", "A??", "???")
AFTER = write("run@4", "AAb", "AAb", "AAb", "bAb", "A??", "AAA")


def test_rows_that_crossed_one_half_are_listed_what_was_won_first():
    changes = list_changes(match(BEFORE, AFTER), "base", "run@4")
    assert [(c.row["n"], c.direction) for c in changes] == [
        (0, "to right"), (1, "to right"), (3, "to wrong"),
    ]  # fmt: skip
    assert [(c.right_before, c.right_after) for c in changes] == [
        ((0, 3), (2, 3)), ((1, 3), (2, 3)), ((3, 3), (1, 3)),
    ]  # fmt: skip
    for change in changes:
        assert (change.before.verdict, change.after.verdict) == (
            (False, True) if change.direction == "to right" else (True, False)
        )
    assert changes[0].prompt[-1]["content"] == "Row 0?"


def test_there_and_back_is_the_same_list_turned_round():
    there = list_changes(match(BEFORE, AFTER), "base", "run@4")
    back = list_changes(match(BEFORE, AFTER), "run@4", "base")
    turned = {"to right": "to wrong", "to wrong": "to right"}
    assert {(c.row_id, turned[c.direction]) for c in there} == {
        (c.row_id, c.direction) for c in back
    }


def test_they_are_as_many_as_mcnemar_counts():
    matchup = match(BEFORE, AFTER)
    difference = matchup.evaluations[1].versus_base
    changes = list_changes(matchup, "base", "run@4")
    won = sum(change.direction == "to right" for change in changes)
    assert difference and (difference.gained, difference.lost) == (won, len(changes) - won)


def test_a_row_is_known_by_its_content_wherever_it_stands():
    ids = {make_row_id({"n": n, "text": "x"}) for n in range(50)}
    assert len(ids) == 50
    assert make_row_id({"text": "x", "n": 7}) == make_row_id({"n": 7, "text": "x"})


def test_a_model_that_was_not_evaluated_is_named():
    with pytest.raises(NotFoundError, match="'other' is not among the models"):
        list_changes(match(BEFORE, AFTER), "base", "other")
