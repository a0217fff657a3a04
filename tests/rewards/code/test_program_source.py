"""Which program of a completion is run, how random inputs are drawn, and what asserts say."""

import random

import pytest

from rft_core.rewards.code.assert_lines import Relation, read_assert
from rft_core.rewards.code.random_inputs import draw_input
from rft_core.rewards.code.source import find_program

CODE = "def f(x):\n    return x"


def fenced(code: str, label: str = "python") -> str:
    return f"```{label}\n{code}\n```\n"


@pytest.mark.parametrize(
    "completion",
    [
        CODE,
        f"\n\n{CODE}\n",
        fenced(CODE),
        fenced(CODE, ""),
        fenced(CODE, "Python3"),
        f"Here it is:\n{fenced(CODE)}It returns x.",
        f"{fenced(CODE)}Use it:\n{fenced('print(f(1))')}",
        f"{fenced('pip install x', 'bash')}{fenced(CODE)}{fenced('1', 'text')}",
        f"{fenced('def f(x): pass')}That was wrong. Better:\n{fenced(CODE)}",
        f"{fenced(CODE)}It prints\n{fenced('1', '')}",
        f"<think>def f(x): pass</think>{CODE}",
        f"<think>{fenced('def f(x): pass')}</think>\n{fenced(CODE)}",
        f"<think>so</think>\n<answer>{CODE}</answer>",
        f"<think>{fenced('def f(x): pass')}</think>\n<answer>\n{fenced(CODE)}</answer>",
        f"<answer>Here:\n{fenced(CODE)}done</answer>",
        f"~~~python\n{CODE}\n~~~",
        f"````python\n{CODE}\n````",
        fenced(CODE, 'python title="a.py"'),
        f"1. So:\n\n    {fenced(CODE)}".replace("\n", "\n    "),
        f"<answer>\n   {fenced(CODE)}</answer>".replace("\n", "\n   "),
    ],
)
def test_the_program_is_found_where_models_put_it(completion: str) -> None:
    found = find_program(completion, "auto", "f")
    assert found.text is not None and found.text.strip() == CODE


@pytest.mark.parametrize("around", ["{}", "```python\n{}\n```"])
def test_a_fence_in_a_docstring_is_no_end(around: str) -> None:
    code = 'def f(x):\n    """Return it.\n\n    ```\n    f(1)\n    ```\n    """\n    return x'
    assert find_program(around.format(code), "auto", "f").text == code


@pytest.mark.parametrize(
    ("completion", "where"),
    [
        ("", "auto"),
        ("  \n", "auto"),
        (f"<think>{CODE}</think>", "auto"),
        (f"```python\n{CODE}", "auto"),
        (fenced(CODE, "javascript"), "auto"),
        (f"<answer>{CODE}</answer><answer>{CODE}</answer>", "auto"),
        (f"<answer>{CODE}", "auto"),
        (f"{CODE}</answer>", "auto"),
        ("<answer></answer>", "auto"),
        (CODE, "fenced"),
        (CODE, "answer_tag"),
        (fenced(CODE), "answer_tag"),
        ("x" * 100_001, "whole"),
        ("`" * 50_000, "auto"),
        ("```\n" * 20_000, "fenced"),
    ],
)
def test_without_one_program_the_problem_is_said(completion: str, where: str) -> None:
    found = find_program(completion, where, "f")
    assert found.text is None and found.problem.endswith(".")


def test_a_program_without_a_named_function_is_the_last_block() -> None:
    completion = fenced("print(1)") + fenced("print(2)")
    assert find_program(completion).text == "print(2)"
    assert find_program(completion, "auto", "f").text == "print(2)"


@pytest.mark.parametrize(
    ("spec", "is_right"),
    [
        ({"kind": "int", "low": 2, "high": 5}, lambda v: type(v) is int and 2 <= v <= 5),
        ({"kind": "int"}, lambda v: type(v) is int),
        ({"kind": "float", "low": 0, "high": 1}, lambda v: type(v) is float and 0 <= v <= 1),
        ({"kind": "bool"}, lambda v: type(v) is bool),
        ({"kind": "choice", "of": ["a", [1]]}, lambda v: v in ("a", [1])),
        (
            {"kind": "text", "letters": "xy", "low": 1, "high": 3},
            lambda v: 1 <= len(v) <= 3 and set(v) <= {"x", "y"},
        ),
        (
            {"kind": "list", "of": {"kind": "int"}, "low": 2, "high": 6, "sorted": True},
            lambda v: 2 <= len(v) <= 6 and v == sorted(v),
        ),
        (
            {"kind": "list", "of": {"kind": "bool"}, "high": 9, "distinct": True},
            lambda v: len(v) == len(set(v)) <= 2,
        ),
        (
            {"kind": "list", "of": {"kind": "list", "of": {"kind": "text"}}},
            lambda v: all(isinstance(text, str) for inner in v for text in inner),
        ),
    ],
    ids=lambda value: str(value)[:30] if isinstance(value, dict) else "",
)
def test_drawn_inputs_are_as_described_and_reproducible(spec, is_right) -> None:
    drawn = [draw_input(random.Random(seed), spec) for seed in range(200)]
    assert all(map(is_right, drawn)) and len(set(map(str, drawn))) > 1
    assert drawn == [draw_input(random.Random(seed), spec) for seed in range(200)]


@pytest.mark.parametrize(
    "spec",
    [
        None, "int", {}, {"kind": "set"}, {"kind": "list"}, {"kind": "choice"},
        {"kind": "choice", "of": []}, {"kind": "text", "letters": "", "low": 1},
        {"kind": "int", "low": 5, "high": 2}, {"kind": "int", "low": "a", "high": "b"},
    ],
    ids=str,
)  # fmt: skip
def test_what_describes_no_input_is_an_error(spec) -> None:
    with pytest.raises(ValueError):
        draw_input(random.Random(0), spec)


def test_assert_lines_state_arguments_and_expected_values() -> None:
    line = read_assert("assert f((1, 2), {'a': None}, -3.5) == {1, 2}, 'message'")
    assert (line.function, line.expected) == ("f", {1, 2})
    assert line.arguments == [(1, 2), {"a": None}, -3.5]
    assert read_assert("assert [1] == f()").expected == [1]
    assert read_assert("assert f(1) is None").expected is None


@pytest.mark.parametrize(
    ("text", "relation", "expected"),
    [
        ("assert f(1)", Relation.HAS_TRUTH, True),
        ("assert not f(1)", Relation.HAS_TRUTH, False),
        ("assert f(1) == True", Relation.EQUALS, True),
        ("assert False == f(1)", Relation.EQUALS, False),
        ("assert f(1) is True", Relation.IS, True),
    ],
)
def test_asserts_ask_for_equality_identity_or_truth(text, relation, expected) -> None:
    line = read_assert(text)
    assert line.relation is relation and line.expected is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("assert f(2) == 2 * 3", 6),
        ('assert f(2) == "ab" + "cd"', "abcd"),
        ("assert f(2) == [1, 0 ** 0]", [1, 1]),
        ("assert f(2) == {'a': (1 + 1, -2**2)}", {"a": (2, -4)}),
        ("assert f(2) == [1] * 3", [1, 1, 1]),
    ],
)
def test_small_sums_of_plain_values_are_plain_values(text, expected):
    assert read_assert(text).expected == expected
    assert read_assert("assert f(10**9 - 1) == 1").arguments == [999_999_999]


@pytest.mark.parametrize(
    "value",
    ["10**100", "9**9**9", "'a' * 10**9", "[0] * 10**6", "'%99999d' % 1", "1 / 0", "1e308 * 10",
     "(10**60)**60", "'a' * -1 * 'b'", "x + 1", "2 ** 0.5 ** 1000j", "1" + "+1" * 900,
     "[[0] * 1000] * 20000", "['a' * 90000] * 10000"],
)  # fmt: skip
def test_sums_that_grow_or_fail_are_no_plain_values(value):
    with pytest.raises(ValueError, match="is not a plain value"):
        read_assert(f"assert f(1) == {value}")
