"""Every known way to cheat Countdown's equation, and the honest twins that keep their score."""

import threading

import pytest

from rft_core.rewards.answers.equation import grade_equation
from rft_core.rewards.contract import Grade
from tests.work import cpu_seconds

ROW = {"nums": [15, 74, 9], "target": 50}
HONEST = "74 - 15 - 9"


def grade(answer: str, row=ROW) -> Grade:
    return grade_equation(f"<think>let me see 1</think>\n<answer>{answer}</answer>", row)


HACKS = {
    "a tower of powers": "9**9**9",
    "a large power": "99999999**99999999",
    "a number erased by a power of zero": "50*74**0",
    "a power spelled with a space": "15 * * 74",
    "floor division": "101//2",
    "a decimal point that joins two numbers": "5.2*10",
    "an underscore in a number": "7_4 - 15 - 9",
    "a hexadecimal number": "0x4A - 15 - 9",
    "an octal number": "0o112 - 15 - 9",
    "a leading zero": "074 - 15 - 9",
    "full-width digits": "７４ - 15 - 9",
    "Arabic digits": "٧٤ - 15 - 9",
    "a division by zero": "1/0",
    "a division by a hidden zero": "74/(15-15)",
    "a sign pile-up": "--50",
    "a sign pile-up among the right numbers": "74 - 15 - --9",
    "a plus as a sign": "74 - 15 -+9",
    "ten nested products": "((((((((((9*9)*9)*9)*9)*9)*9)*9)*9)*9)*9)",
    "100,000 opening parentheses": "(" * 100_000,
    "51 nested parentheses": "(" * 51 + HONEST + ")" * 51,
    "more than 256 characters": HONEST + " " * 250 + "+ 0",
    "an equation with other numbers": "15+35=50",
    "an equation with a variable": "x=50",
    "the right expression as an equation": "74 - 15 - 9 = 50",
    "a comparison": "74 - 15 - 9 == 50",
    "a walrus": "(x:=74) - 15 - 9",
    "three answers": "1 or 2 or 50",
    "a set": "{50}",
    "an interval": "[0, 100]",
    "words": "between 0 and 100",
    "a variable times zero": "50+0*y",
    "LaTeX": "\\boxed{\\text{answer}}",
    "only the target": "50",
    "a number left out": "74 - 15",
    "a number used twice": "74 - 15 - 9 + 9 - 9",
    "a number that is not there": "74 - 15 - 9 * 1",
    "a call": "15(74)(9)",
    "a conditional": "74 - 15 - 9 if 1 else 0",
    "a lambda": "(lambda: 50)()",
    "an import": "__import__('os').system('true')",
    "a string": "'50'",
    "a tuple": "74, 15, 9",
    "an empty pair of parentheses": "()",
    "bitwise operators": "74 ^ 15 ^ 9",
    "a complex number": "74 - 15 - 9 + 0j",
    "a comment": "74 - 15 - 9 # 50",
    "a NUL": "74 - 15\x00 - 9",
    "two lines": "74 - 15\n74 - 9",
    "nothing": "",
    "an ellipsis": "...",
    "the wrong value": "74 + 15 + 9",
}


@pytest.mark.parametrize("answer", HACKS.values(), ids=HACKS.keys())
def test_a_cheat_scores_zero_at_once(answer):
    result = grade(answer)
    assert result.score == 0.0
    assert result.reason
    honest = cpu_seconds(lambda: [grade("74 - 15 - 9") for _ in range(50)])
    assert cpu_seconds(lambda: grade(answer)) < 4 * honest  # 9**9**9 would never end


TWINS = {
    "plain": HONEST,
    "no spaces": "74-15-9",
    "generous white space": " 74  -\n 15\t- 9 ",
    "needless parentheses": "((74)-(15))-(9)",
    "another order": "74 - 9 - 15",
    "a leading minus": "-9 + 74 - 15",
    "a minus before a parenthesis": "-(15 - 74) - 9",
    "49 nested parentheses": "(" * 49 + HONEST + ")" * 49,
}


@pytest.mark.parametrize("answer", TWINS.values(), ids=TWINS.keys())
def test_an_honest_expression_earns_everything(answer):
    assert grade(answer) == Grade(1.0, "It uses every number once and equals 50.")


@pytest.mark.parametrize(
    ("answer", "nums", "target"),
    [
        ("8 / (3 - 8 / 3)", [8, 3, 8, 3], 24),
        ("(1 + 2) / 3", [1, 2, 3], 1),
        ("7 * 7 - 7 / 7", [7, 7, 7, 7], 48),
        ("100", [100], 100),
        ("5 - 10", [5, 10], -5),
        ("99*99*99*99*99*99*99*99*99*99", [99] * 10, 99**10),
    ],
)
def test_fractions_repeated_numbers_and_other_sizes_are_exact(answer, nums, target):
    assert grade(answer, {"nums": nums, "target": target}).score == 1.0


def test_a_rational_that_is_off_by_a_300000th_is_wrong():
    row = {"nums": [50, 1, 300_000], "target": 50}
    assert grade("50 + 1/300000", row).score == 0.0


@pytest.mark.parametrize(
    ("case", "flag"),
    [
        ("a tower of powers", "forbidden_operator"),
        ("floor division", "forbidden_operator"),
        ("a hexadecimal number", "odd_number"),
        ("an underscore in a number", "odd_number"),
        ("a decimal point that joins two numbers", "odd_number"),
        ("a sign pile-up", "sign_pile_up"),
        ("an equation with other numbers", "equals_sign"),
        ("100,000 opening parentheses", "oversized"),
    ],
)
def test_a_trick_carries_its_flag(case, flag):
    assert grade(HACKS[case]).flags == (flag,)


def test_an_honest_mistake_carries_no_flag():
    assert grade(HACKS["the wrong value"]).flags == ()
    assert grade(HACKS["a number left out"]).flags == ()


@pytest.mark.parametrize(
    "completion",
    [
        f"<answer>{HONEST}</answer><answer>{HONEST}</answer>",
        f"<answer>1</answer> or <answer>{HONEST}</answer>",
        f"<ANSWER>1</ANSWER><answer>{HONEST}</answer>",
        f"<answer><answer>{HONEST}</answer></answer>",
    ],
)
def test_two_answer_blocks_score_zero(completion):
    assert grade_equation(completion, ROW) == Grade(
        0.0, "There is more than one answer block.", ("several_answers",)
    )


@pytest.mark.parametrize(
    "completion",
    ["", HONEST, f"<answer>{HONEST}", f"{HONEST}</answer>", f"</answer>{HONEST}<answer>"],
)
def test_without_one_whole_answer_block_the_score_is_zero(completion):
    assert grade_equation(completion, ROW).score == 0.0


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"nums": [15, 74, 9]},
        {"nums": "many", "target": 50},
        {"nums": [], "target": 0},
        {"nums": [True, 74, 9], "target": 50},
        {"nums": [1.5], "target": 50},
        {"nums": None, "target": 50},
        {"nums": [15, 74, 9], "target": float("nan")},
        {"nums": [15, 74, 9], "target": float("inf")},
        {"nums": "[Infinity, 74, 9]", "target": 50},
        {"nums": "[" * 5000, "target": 50},
    ],
)
def test_a_broken_row_is_unscored_never_zero(row):
    assert grade(HONEST, row).score is None


def test_rows_from_csv_text_and_parquet_arrays_are_understood():
    numpy = pytest.importorskip("numpy")
    assert grade(HONEST, {"nums": "[15, 74, 9]", "target": "50"}).score == 1.0
    assert grade(HONEST, {"nums": numpy.array([15, 74, 9]), "target": numpy.int64(50)}).score == 1.0


def test_another_thread_gives_the_same_scores():
    answers = [*HACKS.values(), *TWINS.values()]
    here = [grade(answer) for answer in answers]
    there: list[Grade] = []
    thread = threading.Thread(target=lambda: there.extend(grade(answer) for answer in answers))
    thread.start()
    thread.join()
    assert there == here
