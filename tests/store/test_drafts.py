"""Drafts: kept through sessions, each for its own person, the newest few of them."""

from pathlib import Path

from rft_core.store.drafts import MOST_KEPT, find_draft, set_draft
from rft_core.store.index import open_index


def test_a_draft_is_found_again_as_it_was_stored_last(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_draft(index, "rewards", id="a", who="ada", content="1")
        set_draft(index, "rewards", id="b", who="ada", content="2")
        set_draft(index, "rewards", id="a", who="ada", content="3")
    with open_index(tmp_path) as index:
        first = find_draft(index, "rewards", who="ada", id="a")
        newest = find_draft(index, "rewards", who="ada")
        missing = find_draft(index, "rewards", who="ada", id="c")
    assert first is not None and first.content == "3"
    assert newest is not None and newest.id == "a"  # the one worked on last
    assert missing is None


def test_nobody_opens_or_overwrites_the_draft_of_another(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_draft(index, "rewards", id="a", who="ada", content="hers")
        set_draft(index, "rewards", id="a", who="eve", content="another")
        assert find_draft(index, "rewards", who="eve", id="a") is None
        assert find_draft(index, "rewards", who="eve") is None
        kept = find_draft(index, "rewards", who="ada", id="a")
    assert kept is not None and kept.content == "hers"


def test_the_oldest_drafts_of_a_person_make_room_and_no_other_ones(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_draft(index, "rewards", id="other", who="eve", content="kept")
        for number in range(MOST_KEPT + 3):
            set_draft(index, "rewards", id=f"d{number}", who="ada", content=str(number))
        assert find_draft(index, "rewards", who="ada", id="d2") is None
        assert find_draft(index, "rewards", who="ada", id="d3") is not None
        assert find_draft(index, "rewards", who="eve") is not None
