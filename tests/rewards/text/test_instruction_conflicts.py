"""Constraints that no text can keep together are seen; those that one can keep are left alone."""

from typing import Any

import pytest

from rft_core.rewards.text.instruction_conflicts import find_conflict
from rft_core.rewards.text.instructions import grade_instructions

Constraints = list[dict[str, Any]]

IMPOSSIBLE: list[Constraints] = [
    [{"kind": "lowercase"}, {"kind": "uppercase"}],
    [{"kind": "uppercase"}, {"kind": "ends_with", "text": "What comes next?"}],
    [{"kind": "starts_with", "text": "Dear"}, {"kind": "lowercase"}],
    [{"kind": "quoted"}, {"kind": "ends_with", "text": "The end."}],
    [{"kind": "no_commas"}, {"kind": "ends_with", "text": "yes, please"}],
    [{"kind": "word_count", "minimum": 5}, {"kind": "word_count", "maximum": 3}],
    [{"kind": "sentence_count", "exactly": 2}, {"kind": "sentence_count", "exactly": 3}],
    [{"kind": "keywords", "words": ["red cat"]}, {"kind": "forbidden_words", "words": ["Cat"]}],
    [{"kind": "forbidden_words", "words": ["cat"]},
     {"kind": "keyword_count", "word": "cat", "minimum": 1}],
    [{"kind": "first_word", "word": "one"}, {"kind": "starts_with", "text": "Two words"}],
]  # fmt: skip
POSSIBLE: list[tuple[Constraints, str]] = [
    ([{"kind": "lowercase"}, {"kind": "postscript", "marker": "P.P.S"}],
     "see you.\n\np.p.s. bring tea."),
    ([{"kind": "uppercase"}, {"kind": "ends_with", "text": "next?", "any_case": True}],
     "WHAT COMES NEXT?"),
    ([{"kind": "quoted", "edges_only": True},
      {"kind": "ends_with", "text": "The end.", "any_case": True}], '"It is over. The end."'),
    ([{"kind": "word_count", "minimum": 2}, {"kind": "word_count", "maximum": 3}], "two words"),
    ([{"kind": "keywords", "words": ["cats"]}, {"kind": "forbidden_words", "words": ["cat"]}],
     "Two cats."),
    ([{"kind": "forbidden_words", "words": ["cat"]},
      {"kind": "keyword_count", "word": "cat", "maximum": 3}], "A dog."),
    ([{"kind": "keyword_count", "word": "a", "minimum": 2},
      {"kind": "keyword_count", "word": "b", "maximum": 1}], "a a b"),
    ([{"kind": "first_word", "word": "Two"}, {"kind": "starts_with", "text": "Two words"}],
     "Two words are here"),
]  # fmt: skip


@pytest.mark.parametrize("constraints", IMPOSSIBLE)
def test_what_contradicts_itself_is_said(constraints: Constraints) -> None:
    assert find_conflict(constraints)
    assert find_conflict(constraints[::-1])


@pytest.mark.parametrize(("constraints", "text"), POSSIBLE)
def test_what_a_text_keeps_is_no_conflict(constraints: Constraints, text: str) -> None:
    assert grade_instructions(text, {"constraints": constraints}).score == 1.0
    assert find_conflict(constraints) == ""
