"""Tags and archived runs in the index."""

from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.store.deletion import remove_run
from rft_core.store.index import open_index
from rft_core.store.listing.labels import (
    MOST_TAGS,
    RunLabels,
    add_tag,
    clean_tag,
    list_labels,
    remove_tag,
    set_archived,
)
from tests.sample_run import queue_run


def test_tags_are_added_to_several_runs_and_removed_from_those_that_have_them(
    tmp_path: Path,
) -> None:
    with open_index(tmp_path) as index:
        add_tag(index, ["a", "b"], " best   so far ")
        add_tag(index, ["a"], "ablation")
        add_tag(index, ["a"], "ablation")
        assert list_labels(index)["a"].tags == ("ablation", "best so far")
        remove_tag(index, ["a", "b"], "ablation")
    with open_index(tmp_path) as index:
        assert {run: one.tags for run, one in list_labels(index).items()} == {
            "a": ("best so far",), "b": ("best so far",),
        }  # fmt: skip


@pytest.mark.parametrize("text", ["", "  ", "a,b", "x" * 41, "a\x00b"])
def test_what_is_no_tag_is_refused_and_nothing_changes(tmp_path: Path, text: str) -> None:
    with open_index(tmp_path) as index:
        with pytest.raises(BadInputError, match="is no tag"):
            add_tag(index, ["a"], text)
        assert list_labels(index) == {}
    assert clean_tag("naïve\tone") == "naïve one"


def test_too_many_tags_are_refused_for_all_at_once(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        for number in range(MOST_TAGS):
            add_tag(index, ["full"], f"tag {number}")
        with pytest.raises(BadInputError, match="would have 21 tags"):
            add_tag(index, ["empty", "full"], "one more")
        assert "empty" not in list_labels(index)


def test_a_run_is_archived_and_brought_back_with_its_tags(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        add_tag(index, ["a"], "kept")
        set_archived(index, ["a"], True)
        first = list_labels(index)["a"]
        set_archived(index, ["a", "b"], True)
        assert first.is_archived and list_labels(index)["a"] == first
        set_archived(index, ["a", "b"], False)
        assert list_labels(index) == {"a": RunLabels(("kept",)), "b": RunLabels()}


def test_what_was_said_of_a_run_goes_with_it(tmp_path: Path) -> None:
    queue_run(tmp_path, "countdown-1")
    with open_index(tmp_path) as index:
        add_tag(index, ["countdown-1"], "kept")
    remove_run(tmp_path, "countdown-1", check=lambda index: None)
    with open_index(tmp_path) as index:
        assert list_labels(index) == {}
