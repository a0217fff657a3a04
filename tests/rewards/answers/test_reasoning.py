"""Reasoning: true sums that end in what is answered; a right letter alone is not enough."""

import time

import pytest

from rft_core.rewards.answers.reasoning import grade_reasoning, list_equalities

OPTIONS = {"options": "a ) 60 , b ) 75 , c ) 80 , d ) 90 , e ) 180"}


def score(thought, answer, row=OPTIONS):
    return grade_reasoning(f"<think>{thought}</think>\n<answer>{answer}</answer>", row).score


@pytest.mark.parametrize(
    "thought",
    [
        "120 / 1.5 = 80 km",
        "It runs 120 km, so 120/1.5=80.",
        "- 40 * 2 = 80",
        "3 * 4 = 12, 92 - 12 = 80.",
        "$40 × 2 = $80",
        "(10 + 30) * 2 = 40 * 2 = 80",
        "1,000 - 920 = 80",
        "In 2020, 40 + 40 = 80 km. Then x = 80.",
        "240 / 7 = 34.29, and 160 / 2 = 80",
    ],
)
def test_true_sums_that_end_in_the_chosen_value_are_sound(thought):
    assert score(thought, "c") == 1.0
    assert score(thought, "80", {}) == 1.0
    assert score(thought, "d") == 0.0


@pytest.mark.parametrize(
    ("thought", "why"),
    [
        ("It must be about 80.", "no calculation"),
        ("", "no calculation"),
        ("x = 80", "no calculation"),
        ("80 = 80", "no calculation"),
        ("120 / 1.5 = 90, so 80", "is false"),
        ("3 * 4 = 13, 93 - 13 = 80", "is false"),
        ("240 / 7 = 34.3, 240 / 7 = 35, 40 * 2 = 80", "is false"),
        ("120 - 1.5 = 118.5", "end in 118.5"),
        ("40 * 2 = 80, 80 + 10 = 90", "end in 90"),
        ("12 / 0 = 80", "no calculation"),
    ],
)
def test_a_right_letter_without_right_sums_is_told_apart(thought, why):
    grade = grade_reasoning(f"<think>{thought}</think>\n<answer>c</answer>", OPTIONS)
    assert grade.score == 0.0
    assert why in grade.reason


@pytest.mark.parametrize("answer", ["j", "c or d", "many", ""])
def test_an_answer_that_names_no_value_is_not_sound(answer):
    assert score("40 * 2 = 80", answer) == 0.0


def test_sums_after_the_answer_do_not_count():
    late = "<think></think><answer>c</answer> 40 * 2 = 80"
    assert grade_reasoning(late, OPTIONS).score == 0.0


def test_options_may_be_a_list():
    row = {"options": ["A) 70", "B) 80 km"]}
    assert score("40 * 2 = 80", "B", row) == 1.0
    assert score("40 * 2 = 80", "A", row) == 0.0


def test_a_chain_is_read_side_by_side():
    found = list(list_equalities("3 * 4 = 12 - 2 = 10"))
    assert [(one.text, one.is_true) for one in found] == [
        ("3 * 4 = 12 - 2", False),
        ("12 - 2 = 10", True),
    ]


@pytest.mark.parametrize("piece", ["1+", "1=", "1+1=2=", "(", "9", "1 ", "- ", "=", "1,1", ".1"])
def test_hostile_lengths_take_no_time(piece):
    start = time.process_time()
    score(piece * (100_000 // len(piece)), "c")
    assert time.process_time() - start < 1.0
