"""Lists as answers: honest rankings are paid by place, listing everything is not."""

import pytest

from rft_core.rewards.answers.ranked import grade_multi_answer, grade_ranked, read_list

ROW = {"answer": "FBN1"}


def ranked(text: str, row=ROW, **options):
    return grade_ranked(f"<answer>{text}</answer>", row, **options).score


@pytest.mark.parametrize(
    "text", ['["FBN1", "TGFBR2"]', "FBN1, TGFBR2", "1. FBN1\n2. TGFBR2", "- fbn1\n- x", "FBN1"]
)
def test_first_place_is_full_in_every_way_to_write_a_list(text):
    assert ranked(text) == 1.0


def test_later_places_pay_less_and_none_pays_nothing():
    third = '["a", "b", "FBN1", "c"]'
    assert ranked(third) == pytest.approx(1 / 3)
    assert ranked(third, credit="linear") == pytest.approx(0.6)
    assert ranked(third, credit="any") == 1.0
    assert ranked(third, top=2) == 0.0
    assert ranked('["a", "b"]') == 0.0


@pytest.mark.parametrize(
    "cheat",
    ["", "[]", "FBN", "FBN1X", "not FBN1", '[["FBN1"]]', '{"FBN1": 1}', "a FBN1 b", "['FBN1'",
     ", ".join(f"G{i}" for i in range(300)) + ", FBN1", "[" * 9000, "FBN1 or TGFBR2"],
)  # fmt: skip
def test_cheats_earn_nothing(cheat):
    assert ranked(cheat, credit="any") == 0.0


def test_repeating_wastes_places_and_two_blocks_are_none():
    assert ranked("a, a, a, a, a, FBN1") == 0.0
    assert grade_ranked("<answer>FBN1</answer>" * 2, ROW).score == 0.0


def test_any_of_several_right_answers_counts():
    row = {"answer": ["New York", "NYC"]}
    assert ranked("boston, nyc", row) == 0.5
    assert ranked('"new  york"', row) == 1.0
    assert ranked("New York, NY", {"answer": "New York, NY"}) == 0.0  # one line is a list
    assert ranked('["New York, NY"]', {"answer": "New York, NY"}) == 1.0


@pytest.mark.parametrize("value", [None, "", [], [" "]])
def test_a_row_without_answers_is_unscored(value):
    assert ranked("x", {"answer": value}) is None
    assert grade_multi_answer("<answer>x</answer>", {"answer": value}).score is None


def test_all_right_answers_and_no_other():
    row = {"answer": ["red", "green", "blue"]}

    def score(text: str, partial: bool = False) -> float | None:
        return grade_multi_answer(f"<answer>{text}</answer>", row, partial=partial).score

    assert score("Blue, red, green") == score('["green","blue","red"]') == 1.0
    assert score("['red', 'green', 'blue']") == score("red; green; blue") == 1.0
    assert score("['red', 'green'], ['blue']") == score("['red', 'green', 'blue'") == 0.0
    assert score("red, green") == score("red, green, blue, black") == score("") == 0.0
    assert score("red, green", partial=True) == pytest.approx(0.8)
    assert score("red, red, red, green, blue", partial=True) < 0.8
    everything = ", ".join(["red", "green", "blue", *map(str, range(97))])
    assert score(everything, partial=True) < 0.06


def test_lists_are_read_without_empty_items():
    assert read_list("1. a\n\n2) b\n* c.") == ["a", "b", "c"]
    assert read_list("[1, 2.5]") == ["1", "2.5"]
    assert read_list("a,,b,") == ["a", "b"]
