"""Judgements in the index: kept as they were made, once, and taken back without being lost."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.paths import get_index_path
from rft_core.store.index import open_index
from rft_core.store.preferences import (
    add_judgement,
    count_judgements,
    list_judgements,
    undo_judgement,
)
from tests.judgements import make_judgement


def test_a_judgement_is_read_back_as_it_was_made(tmp_path: Path) -> None:
    made = make_judgement("one", (2, 1, 3, 3), rest_equal=True)
    with open_index(tmp_path) as index:
        assert add_judgement(index, made)
        [read] = list_judgements(index)
    assert read.created_at > 1.7e9
    assert replace(read, created_at=0.0) == made
    assert read.verdict == "B > A > C = D"


@pytest.mark.parametrize(
    ("ranks", "verdict"),
    [
        ((1, 2), "left"),
        ((2, 1), "right"),
        ((1, 1), "tie"),
        (None, "skip"),
        ((1, 1, 2), "A = B > C"),
    ],
)
def test_a_vote_is_a_ranking_of_two(ranks: tuple[int, ...] | None, verdict: str) -> None:
    assert make_judgement("one", ranks).verdict == verdict


def test_a_key_pressed_twice_is_one_judgement(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        assert add_judgement(index, make_judgement("one", (1, 2)))
        assert not add_judgement(index, make_judgement("one", (2, 1)))
        assert [j.verdict for j in list_judgements(index)] == ["left"]


def test_undo_takes_back_ones_own_newest_and_forgets_nothing(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        add_judgement(index, make_judgement("one", (1, 2)))
        add_judgement(index, make_judgement("two", (1, 2)))
        add_judgement(index, make_judgement("his", (1, 2), who="bob"))
        undone = undo_judgement(index, "ada")
        assert undone is not None and undone.id == "two"
        assert [j.id for j in list_judgements(index)] == ["one", "his"]
        undo_judgement(index, "ada")
        assert undo_judgement(index, "ada") is None
        assert [j.id for j in list_judgements(index)] == ["his"]
    with sqlite3.connect(get_index_path(tmp_path)) as db:
        assert db.execute("SELECT count(*) FROM judgements").fetchone() == (3,)


def test_judgements_are_counted_by_person_and_run_without_repeats(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        for judgement in (
            make_judgement("one", (1, 2)),
            make_judgement("skipped", None),
            make_judgement("again", (1, 2), repeats="one"),
            make_judgement("his", (1, 2), who="bob"),
            make_judgement("elsewhere", (1, 2), run="other"),
        ):
            add_judgement(index, judgement)
        assert count_judgements(index, who="ada", run="tiny") == 2
        assert [j.id for j in list_judgements(index, run="other")] == ["elsewhere"]
        assert [j.id for j in list_judgements(index, who="bob")] == ["his"]


@pytest.mark.parametrize("ranks", [(1, 3), (0, 1), (1, 2, 2, 4), (2, 2)])
def test_what_is_no_ranking_is_refused(tmp_path: Path, ranks: tuple[int, ...]) -> None:
    with open_index(tmp_path) as index:
        with pytest.raises(BadInputError, match="is no ranking"):
            add_judgement(index, make_judgement("one", ranks))
        assert list_judgements(index) == []


def test_one_answer_is_nothing_to_judge(tmp_path: Path) -> None:
    judgement = make_judgement("one", (1,))
    with open_index(tmp_path) as index, pytest.raises(BadInputError, match="1 answers"):
        add_judgement(index, judgement)
