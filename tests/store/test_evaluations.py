"""Stored samples and records of evaluations."""

import json
from pathlib import Path

from rft_core.store.evaluations import (
    JudgedSample,
    StoredEvaluation,
    add_record,
    find_evaluation,
    find_scores,
    get_record,
    list_records,
    set_evaluation,
    set_scores,
)
from rft_core.store.index import open_index


def make(samples: int, *, seconds: float | None = 1.0) -> StoredEvaluation:
    group = [JudgedSample(f"text {n}", False, True, 7) for n in range(samples)]
    return StoredEvaluation("key", "run", 4, "task", 0, {}, "judge", [group, group], seconds)


def test_samples_come_back_with_their_tokens_and_seconds(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_evaluation(index, make(2))
        set_evaluation(index, make(1, seconds=9.0))  # fewer: they do not take the place of more
        found = find_evaluation(index, "key")
    assert found and (found.k, found.seconds, found.step) == (2, 1.0, 4)
    assert found.groups == make(2).groups and found.created_at > 0


def test_samples_of_before_have_neither(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_evaluation(index, make(1))
        old = json.dumps([[["text", 0, True]]])  # as they were written then
        with index.conn:
            index.conn.execute("UPDATE evaluations SET content = ?, seconds = NULL", [old])
        found = find_evaluation(index, "key")
    assert found and found.seconds is None
    assert found.groups == [[JudgedSample("text", False, True, None)]]


def test_scores_are_kept_by_scorer(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        set_scores(index, "key", "one", [[0.5], [1.0]])
        set_scores(index, "key", "one", [[0.5, 2.0], [1.0, 0.0]])
        assert find_scores(index, "key", "one") == [[0.5, 2.0], [1.0, 0.0]]
        assert find_scores(index, "key", "other") is None


def test_the_same_record_twice_is_one_and_becomes_the_newest(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        assert get_record(index) is None
        first = add_record(index, {"k": 1})
        second = add_record(index, {"k": 2})
        assert [r.number for r in list_records(index)] == [second.number, first.number]
        again = add_record(index, {"k": 1})
        assert again.number == first.number
        assert [r.number for r in list_records(index)] == [first.number, second.number]
        assert get_record(index, second.number) == second
        assert get_record(index, 99) is None
