"""Rows that nothing can score, found by asking the graders themselves; and rows that are fine."""

from collections.abc import Mapping
from typing import Any

import pytest

from rft_core.diagnosis.scorable import MOST_JAILED, RowCheck, check_rows
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks import TASKS, get_task
from rft_core.tasks.row_check import check_made_rows, check_task_rows

UNREADABLE = ["A: 7", "eighteen", "true", "the sum is \\boxed{6}", '["1"]', True, None, ""]
PRODUCT = {"prompt": "p", "entry_point": "f", "reference": "def f(x):\n    return x + 1"}


def by_task(task: str, *rows: Mapping[str, Any]) -> RowCheck:
    return check_task_rows(rows, task, get_task(task).reward_set)


def by_grader(grader: str, *rows: Mapping[str, Any], **options: Any) -> RowCheck:
    return check_rows(RewardSet((RewardEntry("right", grader, options=options),)), rows)


def kinds(check: RowCheck) -> list[tuple[str, str]]:
    return [(problem.kind, problem.severity) for problem in check.list_problems()]


@pytest.mark.parametrize("answer", UNREADABLE)
def test_a_gold_that_is_no_number_is_counted_and_shown(answer: object) -> None:
    good = [{"question": f"{n} + 1?", "answer": f"#### {n + 1}"} for n in range(3)]
    check = by_task("gsm8k", *good, {"question": "?", "answer": answer})
    assert check.unscorable == (3,) and not check.can_score_none
    [problem] = check.list_problems()
    assert (problem.kind, problem.severity) == ("unscorable_rows", "warning")
    assert problem.what.startswith("1 of 4 rows cannot be scored by 'correctness'")
    assert "row 4: " in problem.what


@pytest.mark.parametrize("answer", ["7", 7, 7.5, "1,234", "3/4", "so 2 + 5\n#### 7", "$18"])
def test_golds_that_can_be_read_are_no_matter(answer: object) -> None:
    check = by_task("gsm8k", {"question": "?", "answer": answer})
    assert check.list_problems() == [] and check.unscorable == ()


def test_where_no_row_can_be_scored_by_what_decides_it_is_an_error() -> None:
    rows = [{"question": str(n), "answer": "A: 7"} for n in range(20)]
    check = by_task("gsm8k", *rows)
    assert check.can_score_none and kinds(check) == [("nothing_scorable", "error")]
    [problem] = check.list_problems()
    assert problem.what == (
        "20 of 20 rows cannot be scored by 'correctness': the row's 'answer' is not a number "
        "(row 1: 'A: 7'; row 2: 'A: 7'; row 3: 'A: 7')"
    )


FAULTS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("exact_match", {}, {"answer": "yes"}, {"gold": "yes"}),
    ("choice", {}, {"answer": "(B)"}, {"answer": "Paris"}),
    ("similarity", {}, {"answer": "a text"}, {"answer": "  "}),
    ("overlap", {}, {"answer": "a text"}, {"answer": None}),
    ("json_match", {}, {"answer": '{"a": 1}'}, {"answer": "not JSON"}),
    ("schema", {"column": "wanted"}, {"wanted": {"type": "object"}}, {"wanted": {"type": "odd"}}),
    ("sql", {}, {"schema": "CREATE TABLE t (a)"}, {"schema": "CREATE TABEL t (a)"}),
    ("math_equivalence", {}, {"answer": "\\frac{1}{2}"}, {"answer": "a story"}),
    ("math_equivalence", {}, {"answer": "12 \\text{ cm}"}, {"answer": "5 ft 3 in"}),
    ("ranked", {}, {"answer": "a"}, {"answer": None}),
    ("string_check", {"reference": "{{ item.gold }}"}, {"gold": "x"}, {"answer": "x"}),
    ("equation", {}, {"nums": [1, 2], "target": 3}, {"nums": "1 and 2", "target": 3}),
    ("instructions", {}, {"constraints": [{"kind": "json"}]}, {"constraints": [{"kind": "?"}]}),
    ("stdout_tests", {}, {"tests": [["1", "1"]]}, {"tests": [["", "x" * 200_000]]}),
    ("stdout_tests", {}, {"tests": [["1", "x" * 60_000]]}, {"tests": []}),
    ("unit_tests", {}, {**PRODUCT, "tests": [[[1], 2]]}, {**PRODUCT, "tests": [[1, 2]]}),
    ("unit_tests", {}, {**PRODUCT, "tests": [[[1], 2]]}, {"entry_point": "f", "tests": []}),
    ("unit_tests", {}, {**PRODUCT, "tests": [[[1], 10**1000]]},
     {**PRODUCT, "tests": [[[1], 10**50_000]]}),
    ("program_answer", {}, {"answer": 3}, {"answer": "three"}),
]  # fmt: skip


@pytest.mark.parametrize(("grader", "options", "good", "bad"), FAULTS)
def test_each_grader_says_itself_which_rows_it_cannot_read(
    grader: str, options: dict[str, Any], good: dict[str, Any], bad: dict[str, Any]
) -> None:
    check = by_grader(grader, good, bad, **options)
    assert check.unscorable == (1,)
    assert kinds(check) == [("unscorable_rows", "warning")]


def test_a_row_of_kernels_whose_reference_fails_is_found() -> None:
    inputs = [{"shape": ["n"], "dtype": "float32"}]
    good = {"reference": "def f(x):\n    return x + 1", "inputs": inputs}
    bad = {"reference": "def f(x):\n    return x.nope()", "inputs": inputs}
    check = by_grader("triton_correctness", good, bad)
    assert check.unscorable == (1,)


def test_what_judges_by_more_than_the_row_is_not_asked() -> None:
    entries = (
        RewardEntry("mine", "python", source="def mine(completions, **k): return None\n"),
        RewardEntry("length", "length", options={"unit": "tokens"}),
    )
    assert check_rows(RewardSet(entries), [{"a": 1}]).list_problems() == []


@pytest.mark.parametrize(
    ("signature", "missing"),
    [
        ("completions, ground_truth, **k", "ground_truth"),
        ("prompts, completions, *, gold", "gold"),
        ("completions, answer, **k", ""),
        ("completions, other=None, **k", ""),
        ("completions, log_extra, trainer_state", ""),
        ("solution_str, ground_truth", ""),  # not called as TRL calls: another's affair
    ],
)
def test_a_function_that_takes_a_column_that_no_row_has(signature: str, missing: str) -> None:
    source = f"def r({signature}):\n    return [1.0] * len(completions)\n"
    check = check_rows(RewardSet((RewardEntry("r", "python", source=source),)), [{"answer": "1"}])
    assert check.can_score_none == bool(missing)
    if missing:
        [problem] = check.list_problems()
        assert f"it takes '{missing}', and the columns are answer" in problem.what


def test_a_solution_that_earns_nothing_is_counted() -> None:
    good = {**PRODUCT, "tests": [[[1], 2]]}
    bad = {**PRODUCT, "tests": [[[1], 5]]}
    check = by_task("python_code", good, bad)
    assert kinds(check) == [("unpaid_solutions", "warning")]
    assert "The own solution of 1 of 2 rows" in check.list_problems()[0].what
    assert "row 2" in check.list_problems()[0].what
    assert by_task("python_code", good).list_problems() == []


def test_a_column_of_solutions_is_held_against_any_rewards() -> None:
    rewards = RewardSet((RewardEntry("right", "numeric_match"),))
    rows = [{"answer": "7", "gold": "<answer>7</answer>"}, {"answer": "7", "gold": "It is 8."}]
    check = check_task_rows(rows, None, rewards, gold_column="gold")
    assert kinds(check) == [("unpaid_solutions", "warning")]
    assert check_task_rows(rows, None, rewards).list_problems() == []


@pytest.mark.parametrize(
    ("task", "possible", "impossible"),
    [
        ("countdown", {"nums": [1, 3, 4, 6], "target": 24}, {"nums": [1, 1, 1], "target": 90}),
        ("countdown", {"nums": [3, 3, 8, 8], "target": 24}, {"nums": [2, 2], "target": 3}),
        ("countdown", {"nums": [15, 74, 9], "target": 50}, {"nums": [5], "target": 6}),
    ],
)
def test_countdown_rows_that_no_equation_solves(
    task: str, possible: dict[str, Any], impossible: dict[str, Any]
) -> None:
    check = by_task(task, possible, impossible)
    assert check.unscorable == (1,) and kinds(check) == [("impossible_rows", "warning")]
    alone = by_task(task, impossible)
    assert alone.can_satisfy_none and kinds(alone) == [("impossible_rows", "error")]


def test_of_many_rows_some_are_drawn_and_that_is_said() -> None:
    rows = [{"answer": "a story"}] * (MOST_JAILED + 1)
    [problem] = by_grader("math_equivalence", *rows).list_problems()
    assert problem.what.startswith(f"{MOST_JAILED} of {MOST_JAILED} rows looked at cannot")


def test_no_rows_say_nothing() -> None:
    check = by_grader("numeric_match")
    assert check.list_problems() == [] and not check.can_score_none


@pytest.mark.parametrize("task", ["countdown", "word_problems", "word_problems_choice"])
def test_no_row_that_a_task_makes_is_accused(task: str) -> None:
    rows = TASKS[task].load(24, 8, 0)[0]
    assert by_task(task, *rows).list_problems() == []


def test_rows_that_a_task_makes_are_looked_at_only_for_other_rewards() -> None:
    assert check_made_rows("countdown", TASKS["countdown"].reward_set) is None
    other = check_made_rows("countdown", RewardSet((RewardEntry("right", "exact_match"),)))
    assert other is not None and other.can_score_none
