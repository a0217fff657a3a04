"""What counts as worked out: true sums that end in the gold value, whatever letter was answered."""

import pytest

from benchmarks.multiple_choice import find_gold, is_worked_out, measure

CHOICE = {"question": "?", "options": "a ) 13 , b ) 42 , c ) 49", "answer": "b"}
NUMBER = {"question": "?", "answer": "6 * 7 = <<6*7=42>>42\n#### 42"}


@pytest.mark.parametrize("row", [CHOICE, NUMBER], ids=["letter", "number"])
@pytest.mark.parametrize(
    ("thought", "is_worked"),
    [
        ("6 * 7 = 42", True),
        ("6 + 7 = 13\n6 * 7 = 42", True),
        ("6 * 7 = 49", False),
        ("6 * 7 = 41\n6 * 7 = 42", False),
        ("6 + 7 = 13", False),
        ("It must be about 42.", False),
    ],
)
def test_the_sums_must_be_true_and_end_in_the_value_that_is_asked_for(
    row: dict[str, str], thought: str, is_worked: bool
) -> None:
    for answer in ("a", "b", "42"):
        completion = f"<think>{thought}</think>\n<answer>{answer}</answer>"
        assert is_worked_out(completion, find_gold(row)) == is_worked


def test_shares_are_of_the_completions_or_of_the_right_ones() -> None:
    worked, guessed = "6 * 7 = 42 <answer>b</answer>", "It must be 42. <answer>b</answer>"
    group = [(worked, True), (worked, False), (guessed, True), (guessed, True)]
    cells = measure([(CHOICE, group), (CHOICE, group)])
    assert [cell.split()[0] for cell in cells] == ["8", "75.0%", "50.0%", "33.3%", "66.7%"]
