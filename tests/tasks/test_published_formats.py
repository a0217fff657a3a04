"""MBPP, HumanEval, SVAMP, MathQA and IFEval rows are read as they are published."""

import pytest

from rft_core.data.mapping import ColumnMapping, apply_mapping, suggest_mapping
from rft_core.data.table import Table
from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import get_task
from rft_core.tasks.published_formats import adopt_table, guess_published_task

MBPP = {
    "task_id": 2,
    "text": "Write a function to find the similar elements from the given two tuple lists.",
    "code": "def similar_elements(a, b):\n    return tuple(sorted(set(a) & set(b)))",
    "test_list": [
        "assert similar_elements((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)",
        "assert similar_elements((1, 2, 3, 4),(5, 4, 3, 7)) == (3, 4)",
        "assert similar_elements((11, 12, 14, 13),(17, 15, 14, 13)) == (13, 14)",
    ],
    "test_setup_code": "",
    "challenge_test_list": ["assert similar_elements((), ()) == ()"],
}
HUMAN_EVAL = {
    "task_id": "HumanEval/0",
    "prompt": "from typing import List\n\n\ndef largest(numbers: List[int]) -> int:\n"
    '    """Return the largest number, or -1.\n    >>> largest([1, 3])\n    3\n    """\n',
    "entry_point": "largest",
    "canonical_solution": "    return max(numbers, default=-1)\n",
    "test": "\n\nMETADATA = {'author': 'x'}\n\n\ndef check(candidate):\n"
    '    assert True, "This prints if this assert fails"\n'
    "    assert candidate([1, 3]) == 3\n    assert candidate([]) == -1, 'empty'\n"
    "    assert candidate([-5, -2]) == -2\n",
}
SVAMP = {
    "ID": "chal-777",
    "Body": "There are 87 oranges and 290 bananas in Philip's collection. "
    "If the bananas are organized into 2 groups and oranges are organized into 93 groups",
    "Question": "How big is each group of bananas?",
    "Equation": "( 290.0 / 2.0 )",
    "Answer": "145.0",
    "Type": "Common-Division",
}
MATHQA = {
    "Problem": "the banker ' s gain of a certain sum due 3 years hence is rs . 36 . "
    "what is the present worth ?",
    "Rationale": "explanation : t = 3 years ... answer : option a",
    "options": "a ) rs . 400 , b ) 300 , c ) 1,500 , d ) none of these , e ) 350.5",
    "correct": "c",
}

IFEVAL = {
    "key": 1000,
    "prompt": "Write about the sea: 3 bullet points, fewer than 30 words, the letter z at least "
    "twice, the word wave at least once, no commas. End it with P.S. and a line of your own.",
    "instruction_id_list": [
        "detectable_format:number_bullet_lists",
        "length_constraints:number_words",
        "keywords:letter_frequency",
        "keywords:existence",
        "punctuation:no_comma",
        "detectable_content:postscript",
    ],
    "kwargs": [
        {"num_bullets": 3, "relation": None},
        {"num_words": 30.0, "relation": "less than", "num_bullets": None},
        {"letter": "z", "let_frequency": 2, "let_relation": "at least"},
        {"keywords": ["wave"]},
        {},
        {"postscript_marker": "P.S."},
    ],
}


def make_table(*rows) -> Table:
    return Table("rows.jsonl", "jsonl", tuple(rows[0]), tuple(rows))


def read(task: str, *rows):
    """The task's rows, as an upload makes them."""
    table, fields = adopt_table(make_table(*rows), task).table, get_task(task).fields
    return apply_mapping(table, ColumnMapping(suggest_mapping(table, fields)), fields)


def score(task: str, row, *completions: str) -> list[float | None]:
    with Scorer(get_task(task).reward_set) as scorer:
        batch = Batch([[]] * len(completions), completions, [row] * len(completions))
        return [sample.scores["correctness"] for sample in scorer.score(batch).samples]


def test_mbpp_shows_one_test_and_hides_the_others():
    [row] = read("python_code", MBPP)
    assert row["entry_point"] == "similar_elements"
    assert row["tests"] == MBPP["test_list"][:1] and len(row["hidden_tests"]) == 3
    [message] = get_task("python_code").prompt(row)
    assert "(4, 5)" in message["content"] and "(3, 4)" not in message["content"]
    get_task("python_code").check_row(row)
    get_task("python_code").validate([row])


def test_tests_stay_as_they_were_published():
    lines = ["assert f([1], 'a') == {'b': 2.5}", "assert f(1) == {1, 2}", "assert f((1, 2)) == 0"]
    [row] = read("python_code", {**MBPP, "test_list": lines, "challenge_test_list": None})
    assert row["tests"] == lines[:1] and row["hidden_tests"] == lines[1:]
    [message] = get_task("python_code").prompt(row)
    assert lines[0] in message["content"] and lines[1] not in message["content"]


def test_human_eval_is_read_from_its_check_function():
    [row] = read("python_code", HUMAN_EVAL)
    assert row["tests"] == ["assert largest([1, 3]) == 3"]  # by the name that the prompt gives
    assert row["hidden_tests"] == [
        "assert largest([]) == -1, 'empty'", "assert largest([-5, -2]) == -2",
    ]  # fmt: skip
    get_task("python_code").validate([row])
    honest = f"```python\n{HUMAN_EVAL['prompt']}    return sorted([-1, *numbers])[-1]\n```"
    right = f"```python\n{HUMAN_EVAL['prompt']}    return max(numbers) if numbers else -1\n```"
    assert score("python_code", row, honest, right) == [0.0, 1.0]  # -2 is larger than -5 alone


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("assert f(x) == 2", "uses 'x', which is defined nowhere"),
        ("assert set([1]) == {1}", "it calls 'set', not 'f'"),
        ("assert sorted({1}) != [1]", "never calls 'f'"),
        ("f(1) == 2", "asserts nothing"),
        ("assert f(1 == 2", "not Python"),
        ("assert f([Pair(1, 2)]) == 2", "makes objects of 'Pair', a class of the solution"),
    ],
)
def test_a_row_with_a_test_that_says_nothing_of_a_program_is_left_out_with_the_reason(line, why):
    code = "class Pair:\n    pass\ndef f(x):\n    return x"
    bad = {**MBPP, "code": code, "test_list": ["assert f(1) == 1", line]}
    adopted = adopt_table(make_table(MBPP, bad, MBPP), "python_code")
    assert len(adopted.table.rows) == 2
    [left_out] = adopted.left_out
    assert left_out.startswith("Row 2: test 2 of 'tests' cannot be used") and why in left_out
    assert adopted.notice.startswith("1 of 3 rows of MBPP cannot be used: Row 2")


SOLUTION = """import math
def poly(xs, x):
    return sum(c * x ** i for i, c in enumerate(xs))
def f(x, key=1):
    return x * key
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert abs(f(1) - 1.0) < 1e-6",
        "assert f(1) != f(2)",
        "assert sorted(f([2, 1])) == [1, 2]",
        "assert f(3, key=2) == 6",
        "assert f(1) == 1; import os",
        "assert math.isclose(f(0.1 + 0.2), 0.3)",
        "assert poly([0, 1], f(7)) == 7",
        "assert {f(x) for x in range(3)} == {0, 1, 2}",
        "assert isinstance(f(1), int)",
        "assert f(2.5, 2) in (5, 6)",
        "assert tuple(f([1])) == tuple(f([1]))",
        "for x in range(5):\n    assert f(x) == x",
    ],
)
def test_a_test_that_has_to_be_run_is_run(test):
    lines = {"test_list": ["assert f(1) == 1", test], "challenge_test_list": None}
    published = {**MBPP, "code": SOLUTION, **lines}
    [row] = read("python_code", published)
    get_task("python_code").validate([row])
    assert score("python_code", row, "def f(x, key=1): return None") == [0.0]


def test_mbpps_setup_stands_before_the_tests_that_need_it():
    setup = {"test_setup_code": "half = 0.5", "test_imports": ["import math"]}
    lines = ["assert f(1) == 1", "assert f(half) == half", "assert f(4) == math.gcd(4, 8)"]
    published = {**MBPP, **setup, "code": SOLUTION, "test_list": lines}
    published["challenge_test_list"] = []
    [row] = read("python_code", published)
    assert row["tests"] == lines[:1]
    get_task("python_code").validate([row])


def test_a_check_with_loops_and_draws_is_one_test_for_each_statement_that_asserts():
    check = (
        "def check(candidate):\n    import random\n    assert candidate([3]) == 3\n"
        "    for n in range(20):\n        xs = [random.randint(1, 99) for _ in range(n + 1)]\n"
        "        assert candidate(xs) == max(xs)\n"
        "    best = max([4, 5])\n    assert candidate([4, 5]) == best\n"
    )
    [row] = read("python_code", {**HUMAN_EVAL, "test": check})
    assert row["tests"] == ["assert largest([3]) == 3"]
    assert len(row["hidden_tests"]) == 2 and row["hidden_tests"][1].endswith("== best")
    get_task("python_code").validate([row])
    first = f"```python\n{HUMAN_EVAL['prompt']}    return numbers[0]\n```"
    assert score("python_code", row, first) == [0.0]


@pytest.mark.parametrize(
    "test",
    [
        "assert largest([5, 3, 5, 9]) == 9",
        "for _ in range(2):\n        assert largest([5, 3, 5, 9]) == 9",
    ],
)
def test_a_single_test_leaves_something_to_be_found_out(test):
    published = {**HUMAN_EVAL, "test": f"def check(candidate):\n    {test}\n"}
    published["test"] = published["test"].replace("largest", "candidate")
    [row] = read("python_code", published)
    get_task("python_code").validate([row])
    [message] = get_task("python_code").prompt(row)
    constant = f"```python\n{HUMAN_EVAL['prompt']}    return 9\n```"
    is_shown = "[5, 3, 5, 9]" in message["content"]
    assert is_shown == test.startswith("assert")
    assert score("python_code", row, constant) == [0.0 if is_shown else 1.0]


def test_a_single_test_without_a_reference_is_hidden():
    bare = {**MBPP, "code": None, "test_list": ["assert f(2) == 4"], "challenge_test_list": None}
    [row] = read("python_code", bare)
    assert row["tests"] == [] and row["hidden_tests"] == ["assert f(2) == 4"]
    [message] = get_task("python_code").prompt(row)
    assert "assert" not in message["content"] and "tests such as" not in message["content"]


def test_a_file_without_any_usable_row_is_refused():
    with pytest.raises(BadInputError, match="Row 1: it has no assert lines"):
        bare = {**MBPP, "test_list": [], "challenge_test_list": None}
        adopt_table(make_table(bare), "python_code")


def test_svamp_joins_body_and_question_and_its_equation_is_the_gold():
    [row] = read("word_problems", SVAMP)
    assert row["question"].endswith("93 groups. How big is each group of bananas?")
    gold = "<think>( 290.0 / 2.0 ) = 145.0</think>\n<answer>145.0</answer>"
    assert get_task("word_problems").write_gold(row) == gold
    [row] = read("word_problems_program", SVAMP)
    assert "answer = ( 290.0 / 2.0 )" in get_task("word_problems_program").write_gold(row)
    for task in ("word_problems", "word_problems_program"):
        get_task(task).validate([row])
    assert score("word_problems", row, "<answer>145</answer>", "<answer>290</answer>") == [1.0, 0.0]


def test_svamp_without_equation_or_number():
    [row] = read("word_problems", {**SVAMP, "Equation": None})
    assert row["answer"] == "#### 145.0"
    table = make_table(SVAMP, {**SVAMP, "Answer": "many"})
    left_out = adopt_table(table, "word_problems").left_out
    assert left_out == ("Row 2: 'Answer' is 'many', not a number",)


def test_mathqa_is_a_letter_for_one_task_and_its_number_for_the_others():
    [choice] = read("mathqa", MATHQA)
    assert score("mathqa", choice, "<answer>c</answer>", "<answer>1500</answer>") == [1.0, 0.0]
    [number] = read("mathqa_numeric", MATHQA)
    assert score("mathqa_numeric", number, "<answer>1500</answer>", "<answer>c</answer>") == [1, 0]
    [number] = read("mathqa_program", MATHQA)
    assert score("mathqa_program", number, "<answer>answer = 3 * 500</answer>") == [1.0]


@pytest.mark.parametrize(
    ("options", "correct", "number"),
    [
        (MATHQA["options"], "e", "350.5"),
        (MATHQA["options"], "d", None),
        (MATHQA["options"], "a", "400"),
        ("['a ) 38', 'b ) 27.675', 'c ) 30']", "b", "27.675"),
        ("['a ) 38', 'b ) 27.675', 'c ) 30']", "c", "30"),
        ("a ) 1 / 2 , b ) 3 / 4", "a", "1 / 2"),
        ("a ) 1 : 2 , b ) 3 : 4", "a", None),
    ],
)
def test_a_choice_that_is_no_number_is_left_out_of_the_numeric_tasks(options, correct, number):
    table = make_table({**MATHQA, "options": options, "correct": correct}, MATHQA)
    first, *more = adopt_table(table, "mathqa_numeric").table.rows
    assert first["answer"] == (number or "1,500") and len(more) == (number is not None)
    assert adopt_table(table, "mathqa").table.rows == table.rows


def test_ifeval_instructions_become_constraints_of_the_same_meaning():
    [row] = read("instructions", IFEVAL)
    assert row["prompt"] == IFEVAL["prompt"]
    assert row["constraints"] == [
        {"kind": "bullet_count", "exactly": 3},
        {"kind": "word_count", "maximum": 29},
        {"kind": "letter_count", "letter": "z", "minimum": 2},
        {"kind": "keywords", "words": ["wave"]},
        {"kind": "no_commas"},
        {"kind": "postscript", "marker": "P.S."},
    ]
    good = "- A wave\n- A lazy breeze\n- Haze\n\nP.S. I love it"
    assert score("instructions", row, good, good.replace("z", "s")) == [1.0, 0.0]


@pytest.mark.parametrize(
    ("instruction", "values", "why"),
    [
        ("combination:two_responses", {}, "'combination:two_responses' is not known here"),
        ("language:response_language", {"language": "ne"}, "does not know 'ne'"),
        ("keywords:existence", {"keywords": None}, "has no 'keywords'"),
        ("length_constraints:number_words", {"num_words": "ten"}, "not a whole number"),
        (
            "length_constraints:number_words",
            {"num_words": 10, "relation": "about"},
            "the relation 'about' is not known",
        ),
    ],
)
def test_an_ifeval_row_that_asks_for_something_else_is_left_out(instruction, values, why):
    other = IFEVAL | {"instruction_id_list": [instruction], "kwargs": [values]}
    adopted = adopt_table(make_table(IFEVAL, other), "instructions")
    assert len(adopted.table.rows) == 1 and why in adopted.notice


def test_our_own_columns_and_gsm8ks_stay_as_they_are():
    table = make_table({"question": "How many?", "answer": "<<1+1=2>>2\n#### 2"})
    assert adopt_table(table, "gsm8k").table is table and guess_published_task(table) == ""


def test_a_published_table_says_which_task_it_is_for():
    for row, task in ((MBPP, "python_code"), (HUMAN_EVAL, "python_code"), (MATHQA, "mathqa")):
        assert guess_published_task(make_table(row)) == task
    assert guess_published_task(make_table(SVAMP)) == "word_problems"
    assert guess_published_task(make_table(IFEVAL)) == "instructions"
