"""Exact, numeric and multiple-choice answers: guesses are not paid, spelling is."""

import threading
from fractions import Fraction

import pytest

from rft_core.rewards.answers.matching import grade_choice, grade_exact_match, grade_numeric_match
from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.completion_text import from_box

NO_NUMBER = [
    "1 or 2 or 50", "50 or more", "between 0 and 100", "0-100", "[0, 100]", "(50, 50)", "{50}",
    "{1, 50}", "50, 51", "50 51", "50+0*y", "50y", "50 x", "x=50", "x = 50", "15+35=50", "49+1",
    "\\boxed{\\text{answer}}", "\\text{answer}", "fifty", "nan", "inf", "-inf", "1e999999999",
    "1e9999", "--50", "5_0", "0x32", "050",
    "00.5", "５０", "50 million", "2 dozen", "about 50", "50?", "50/0", "",
    "50" * 60, "≤50", "not 50", "50 and 60 clips", "1,00", ".", "-", "$", "%",
    "50 millions", "50 thousands", "50 Dozens", "50 pairs", "50 pair of shoes", "50 gross",
    "50 grosses", "50 halves", "50 quarters", "50 thirds", "50 tens", "50 sixes", "50 twenties",
    "50 scores", "50 couples", "50 (dozens)", "50\\text{ millions}", "50 pi", "50 factorial",
    "50 degrees below zero",
    "5 \\times 10", "5 \\times 10^{9999}", "5 \\times 11^2", "B$50", "50, 60",
    "50 trillion", "50 squared", "50 hundredths", "50 (or 51)", "50 km or so", "50^2", "5 50",
]  # fmt: skip

SAME_NUMBER = {
    "50": "50", "50.0": "50", "+50": "50", "-50": "-50", "−50": "-50", "$50": "50",
    "\\$50": "50", "$50$": "50", "50%": "50", "50\\%": "50", "50 clips": "50", "50 km": "50",
    "50 kg per day": "50", "50.": "50", "1,000": "1000", "1{,}000": "1000", "12,345.5": "12345.5",
    "1e3": "1000", "3/4": "3/4", "\\frac{3}{4}": "3/4", "\\dfrac{3}{4}": "3/4", ".5": "1/2",
    "50\\text{ dollars}": "50", "50 m": "50", "€1.50": "3/2", "-$5": "-5", "50 square meters": "50",
    "**50**": "50", "`50`": "50", "\\(50\\)": "50", "\\text{50}": "50", "50 km/h": "50",
    "50 m^2": "50", "50 cm²": "50", "50 °C": "50", "50€": "50", "USD 50": "50", "Rs. 50": "50",
    "$-5": "-5", "(-5)": "-5", "50 (clips)": "50", "50\\ \\text{cm}": "50", "2 1/2": "5/2",
    "50 quarts": "50", "50 pears": "50", "50 tons": "50", "50 tents": "50", "50 months": "50",
    "50 cents": "50", "50 parties": "50", "50 glasses": "50", "50 repairs": "50", "50 ones": "50",
    "2\\frac{1}{2}": "5/2", "50 miles per hour": "50", "50 clips in total": "50",
    "5 \\times 10^3": "5000", "5×10^{3}": "5000", "1.6 \\cdot 10^{-2} \\text{ m}": "2/125",
    "\\frac12": "1/2", "50\\text{ cm}^{2}": "50", "A$50": "50", "₱50": "50", "50₫": "50",
    "CHF 50": "50", "50 zł": "50", "50,": "50", "50\\text{ m}/\\text{s}": "50",
}  # fmt: skip


@pytest.mark.parametrize("text", NO_NUMBER)
def test_a_guess_is_no_number(text):
    assert parse_number(text) is None


@pytest.mark.parametrize(("text", "value"), SAME_NUMBER.items())
def test_usual_spellings_of_one_number_are_read(text, value):
    assert parse_number(text) == (None if value is None else Fraction(value))


@pytest.mark.parametrize(
    "completion",
    [
        "<think>48 + 24</think>\n<answer>72</answer>",
        "<answer> 72 clips </answer>",
        "<answer>\\boxed{72}</answer>",
        "<answer>48 + 24 = \\boxed{72}.</answer>",
        "She sold 48 + 24 = 72.\n#### 72",
        "So the answer is \\boxed{72}.",
        "So the answer is \\fbox{72}.",
        "First \\boxed{72}, and again \\boxed{ 72 }.",
        "<think>we get \\boxed{16}? no</think>\nFinal: \\boxed{72}",
        "<think>#### 16\n#### 17</think>\n#### 72",
        "so #### 16\n</think>\n\\boxed{72}",
        "<THINK>\\boxed{16}</THINK> \\boxed{72}",
        "<thinking>\\boxed{16}</thinking> \\boxed{72}",
        "<think>a</think>\\boxed{72} <think>b</think>",
    ],
)
def test_a_right_number_earns_one_wherever_it_stands(completion):
    assert (
        grade_numeric_match(completion, {"answer": "48/2 = <<48/2=24>>24 ...\n#### 72"}).score
        == 1.0
    )


@pytest.mark.parametrize(
    "completion",
    [
        "<answer>1 or 2 or 72</answer>",
        "\\boxed{71} \\boxed{72}",
        "\\fbox{71} \\boxed{72}",
        "\\boxed{72" * 100,
        "\\boxed{72}" * 100,
        "#### 71\n#### 72",
        "<answer>72</answer><answer>72</answer>",
        "<answer>\\boxed{71}\\boxed{72}</answer>",
        "<answer>70, 71, \\boxed{72}</answer>",
        "<answer>\\boxed{72} or 71</answer>",
        "72",
        "",
        "<think>we get \\boxed{72} and then",
        "<think>we get \\boxed{72}</think>",
        "<think>#### 72</think>\nSo.",
        "<THINK>\\boxed{72}",
        "Sure. <think>\\boxed{72} hmm",
        "<think>a</think> <think>\\boxed{72} hm",
        "\\boxed{7 2/1} or \\boxed{72}",
        "<think>\\boxed{72}</think> \\boxed{71}",
        "<think>so</think> \\boxed{71} \\boxed{72}",
    ],
)
def test_hedging_or_no_answer_scores_zero(completion):
    assert grade_numeric_match(completion, {"answer": 72}).score == 0.0


def test_a_number_too_large_for_a_float_is_a_wrong_answer_like_any_other():
    large = "9" * 90 + "e300"
    assert grade_numeric_match(f"<answer>{large}</answer>", {"answer": 5}).score == 0.0
    assert grade_numeric_match("<answer>5</answer>", {"answer": large}).score == 0.0
    assert grade_numeric_match(f"<answer>{large}</answer>", {"answer": large}).score == 1.0


@pytest.mark.parametrize(
    ("one", "other", "are_one"),
    [
        (r"10\sqrt{2}", r"10\sqrt 2", True),
        (r"\frac{3}{2}", r"\frac32", True),
        (r"\dfrac{3}{2}", r"\frac 3{2}", True),
        (r"\left(1,2\right)", "(1, 2)", True),
        (r"\frac{1}{23}", r"\frac{12}{3}", False),
        (r"\sqrt{23}", r"\sqrt{2}3", False),
    ],
)
def test_boxes_agree_where_they_are_one_value_spelt_in_two_ways(one, other, are_one):
    found = from_box(f"\\boxed{{{one}}}, so \\boxed{{{other}}}")
    assert found.text == (other if are_one else None)


@pytest.mark.parametrize(
    ("gold", "answer", "wanted"),
    [("5 km", "5 miles", 0.0), ("5 km", "5 kilometres", 1.0), ("5 km", "5", 1.0), (5, "5 km", 1.0),
     ("5 dollars", "5 cents", 0.0), ("5 dollars", "$5", 1.0), ("5 apples", "5 pears", 1.0)],
)  # fmt: skip
def test_another_unit_is_another_answer(gold, answer, wanted):
    graded = grade_numeric_match(f"<answer>{answer}</answer>", {"answer": gold})
    assert graded.score == wanted


def test_several_different_boxes_are_flagged():
    assert grade_numeric_match("\\boxed{1} \\boxed{2}", {"answer": 1}).flags == ("several_answers",)


@pytest.mark.parametrize("answer", ["1 or 2 or 50", "between 0 and 100", "{1, 50}", "[0, 100]"])
def test_hedging_between_numbers_is_flagged_and_a_mistake_is_not(answer):
    assert grade_numeric_match(f"<answer>{answer}</answer>", {"answer": 50}).flags
    assert not grade_numeric_match("<answer>49</answer>", {"answer": 50}).flags


@pytest.mark.parametrize(
    ("given", "score"), [("1010", 1.0), ("990", 1.0), ("1011", 0.0), ("-1000", 0.0)]
)
def test_a_relative_tolerance_is_a_share_of_the_gold_number(given, score):
    answer = f"<answer>{given}</answer>"
    for gold in (1000, "1,000"):
        result = grade_numeric_match(answer, {"answer": gold}, relative_tolerance=0.01)
        assert result.score == score
    assert grade_numeric_match(answer, {"answer": 0}, relative_tolerance=0.5).score == 0.0


def test_tolerance_is_exact_unless_asked_for():
    assert grade_numeric_match("<answer>3.14</answer>", {"answer": 3.14159}).score == 0.0
    assert (
        grade_numeric_match("<answer>3.14</answer>", {"answer": 3.14159}, tolerance=0.01).score
        == 1.0
    )


@pytest.mark.parametrize("row", [{}, {"answer": None}, {"answer": "many"}, {"answer": True}])
def test_a_row_without_gold_number_is_unscored(row):
    assert grade_numeric_match("<answer>1</answer>", row).score is None


def test_the_numeric_match_is_the_same_off_the_main_thread():
    found: list[float | None] = []
    thread = threading.Thread(
        target=lambda: found.append(grade_numeric_match("\\boxed{72}", {"answer": 72}).score)
    )
    thread.start()
    thread.join()
    assert found == [1.0]


def test_exact_match_ignores_white_space_and_on_request_case():
    row = {"answer": "New  York"}
    assert grade_exact_match("<answer> New York\n</answer>", row).score == 1.0
    assert grade_exact_match("<answer>new york</answer>", row).score == 0.0
    assert grade_exact_match("<answer>new york</answer>", row, ignore_case=True).score == 1.0
    assert grade_exact_match("New York", row, extraction="whole").score == 1.0
    assert grade_exact_match("<answer>New York, Boston</answer>", row).score == 0.0


@pytest.mark.parametrize(
    "answer",
    ["B", "b", "(B)", "B)", "B.", " B: ", "**B**", "option B", "The answer is (B).", "\\text{B}"],
)
def test_a_choice_may_be_spelled_as_people_do(answer):
    assert grade_choice(f"<answer>{answer}</answer>", {"answer": "B"}).score == 1.0


@pytest.mark.parametrize("answer", ["A", "A or B", "AB", "A, B", "all", "", "BB", "Z"])
def test_a_wrong_or_hedged_choice_scores_zero(answer):
    assert grade_choice(f"<answer>{answer}</answer>", {"answer": "B"}).score == 0.0


OPTIONS = ("a ) 60 , b ) 75.5 , c ) 8", ["A. 60", "B. 75.5", "C. 8"], "(A) 60; (B) 75.5; (C) 8")


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize(
    ("answer", "paid"),
    [("B) 75.5", 1), ("b ) 75.5", 1), ("(B) 75.5.", 1), ("B) 75", 0), ("B) 60", 0), ("A) 60", 0),
     ("B) 75.5 , c ) 8", 0), ("B) 75.5 or C) 8", 0), ("75.5", 0)],
)  # fmt: skip
def test_a_choice_may_be_followed_by_its_own_text(options, answer, paid):
    row = {"answer": "B", "options": options}
    assert grade_choice(f"<answer>{answer}</answer>", row).score == paid


def test_a_choice_without_gold_letter_is_unscored():
    assert grade_choice("<answer>B</answer>", {"answer": "42"}).score is None


AQUA = ["A)(a + b)(a - b)", "B)a^2 + b^2", "C)11 hours.", "D)it is (b) alone"]


@pytest.mark.parametrize(
    ("gold", "answer", "paid"),
    [
        ("A", "A)(a + b)(a - b)", 1.0),
        ("A", "a) (a+b)(a-b)", 1.0),
        ("C", "C)11 hours.", 1.0),
        ("C", "C)12 hours.", 0.0),
        ("B", "D)it is (b) alone", 0.0),
        ("B", "A)(a + b)(a - b) B)a^2 + b^2", 0.0),
    ],
)
def test_a_choice_letter_for_letter_as_it_is_listed_is_that_choice(gold, answer, paid):
    row = {"answer": gold, "options": AQUA}
    assert grade_choice(f"<answer>{answer}</answer>", row).score == paid


def test_white_space_without_end_is_read_in_linear_time():
    for unit in (" ", "~", "\\ ", "1", "$ "):
        assert parse_number(f"a{unit * 100_000}b") is None


SUMS = "a ) (a + b)(a - b) , b ) 11 days , c ) 11 hours. , d ) 5"
TIMES = ["A)(a + b)(a - b)", "B)5 hours", "C)11 hours.", "D)7"]
UNMARKED = ["5", "7", "11 hours.", "2"]


@pytest.mark.parametrize(
    ("options", "gold", "answer", "paid"),
    [
        (TIMES, "C", "C: 11 hours.", 1.0),
        (TIMES, "C", "**C)** 11 hours.", 1.0),
        (TIMES, "C", r"\textbf{(C) }11 hours.", 1.0),
        (TIMES, "C", "The answer is (C): 11 hours", 1.0),
        (TIMES, "C", "C: 12 hours.", 0.0),
        (TIMES, "C", "B: 11 hours.", 0.0),
        (TIMES, "C", "C) 11 hours. D) 7", 0.0),
        (SUMS, "c", "C) 11 hours.", 1.0),
        (SUMS, "a", "A) (a+b)(a-b)", 1.0),
        (SUMS, "a", "A) (a+b)", 0.0),
        (SUMS, "a", "B) (a+b)(a-b)", 0.0),
        (UNMARKED, "C", "C) 11 hours.", 1.0),
        (UNMARKED, "C", "C) 7", 0.0),
        ({"A": "5", "B": "7"}, "B", "(B) 7", 1.0),
        ({"A": "5", "B": "7"}, "B", "(B) 5", 0.0),
        (["a + b", "b"], "A", "a + b", 0.0),
    ],
)
def test_a_choice_is_known_by_its_letter_and_its_own_text(options, gold, answer, paid):
    row = {"answer": gold, "options": options}
    assert grade_choice(f"<answer>{answer}</answer>", row).score == paid
