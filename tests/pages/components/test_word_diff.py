"""The word diff loses nothing and marks what changed."""

import random

from pages.components.completions.word_diff import DiffPart, diff_words, similarity


def test_a_changed_word_is_removed_and_added_in_place() -> None:
    assert diff_words("74 - 9 = 65", "74 - 15 = 65") == [
        DiffPart("same", "74 - "),
        DiffPart("removed", "9"),
        DiffPart("added", "15"),
        DiffPart("same", " = 65"),
    ]


def test_both_texts_can_be_put_together_again() -> None:
    rng = random.Random(0)
    for _ in range(200):
        left, right = ("".join(rng.choices("ab1 (+)\n\t<>é", k=rng.randint(0, 40))) for _ in "lr")
        parts = diff_words(left, right)
        assert "".join(p.text for p in parts if p.change != "added") == left
        assert "".join(p.text for p in parts if p.change != "removed") == right


def test_similarity_is_one_for_equal_texts_and_zero_for_disjoint_ones() -> None:
    assert similarity("a b c", "a b c") == 1
    assert similarity("", "") == 1
    assert similarity("a", "b") == 0
