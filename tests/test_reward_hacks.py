"""Every known way to cheat a reward, and the test that holds it: nothing may be lost on the way.

An entry names a file under tests/ and a test in it, and in brackets the case where the test has
many. Whoever finds a new cheat adds its row here, a test, and an honest twin that keeps its score.
"""

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent

COUNTDOWN = "rewards/test_countdown_hacks.py::"
CHEAT = f"{COUNTDOWN}test_a_cheat_scores_zero_at_once"
MATH = "rewards/test_math_equivalence.py::"
MATCHING = "rewards/test_matching.py::"
FORMAT = "rewards/test_format_hacks.py::"
UNIT = "rewards/test_unit_test_hacks.py::"
PROGRAM = f"{UNIT}test_a_cheat_earns_nothing_and_harms_nobody"
REACHING_OUT = f"{UNIT}test_reaching_out_is_blocked_flagged_and_not_paid_even_beside_right_results"
STDOUT = "rewards/test_stdout_tests.py::"
ANSWER = "rewards/test_program_answer.py::"
USER = "rewards/test_user_functions.py::"
ESCAPES = "sandbox/test_escapes.py::"

MATHEMATICS = {
    "towers and large powers": [
        f"{CHEAT}[a tower of powers]",
        f"{CHEAT}[a large power]",
        f"{MATH}test_bombs_are_wrong_answers_and_cost_little",
    ],
    "a power of zero that erases a number": [f"{CHEAT}[a number erased by a power of zero]"],
    "floor division": [f"{CHEAT}[floor division]"],
    "a decimal point that joins two numbers": [f"{CHEAT}[a decimal point that joins two numbers]"],
    "odd spellings of numbers": [
        f"{CHEAT}[an underscore in a number]",
        f"{CHEAT}[a hexadecimal number]",
        f"{CHEAT}[a leading zero]",
    ],
    "a rational that is off by a 300,000th": [
        f"{COUNTDOWN}test_a_rational_that_is_off_by_a_300000th_is_wrong"
    ],
    "a division by zero, ten nested products": [
        f"{CHEAT}[a division by zero]",
        f"{CHEAT}[ten nested products]",
    ],
    "a sign pile-up": [f"{CHEAT}[a sign pile-up]"],
    "100,000 opening parentheses": [f"{CHEAT}[100,000 opening parentheses]"],
    "an equation for an expression": [
        f"{CHEAT}[an equation with other numbers]",
        f"{CHEAT}[an equation with a variable]",
    ],
    "several answers": [
        f"{COUNTDOWN}test_two_answer_blocks_score_zero",
        f"{MATCHING}test_several_different_boxes_are_flagged",
        f"{CHEAT}[three answers]",
    ],
    "a range, a set, an interval": [
        f"{CHEAT}[words]",
        f"{MATCHING}test_hedging_between_numbers_is_flagged_and_a_mistake_is_not",
        f"{MATH}test_no_hedge_and_no_trick_earns",
    ],
    "a variable times zero, text for a number": [
        f"{CHEAT}[a variable times zero]",
        f"{CHEAT}[LaTeX]",
        f"{MATH}test_no_hedge_and_no_trick_earns",
    ],
    "the verifier off the main thread": [
        f"{COUNTDOWN}test_another_thread_gives_the_same_scores",
        f"{MATCHING}test_the_numeric_match_is_the_same_off_the_main_thread",
        f"{MATH}test_off_the_main_thread_the_scores_are_the_same",
    ],
    "one letter for every multiple choice": [
        "diagnosis/test_preflight.py::test_always_answering_a_is_at_chance_level",
        "evaluation/test_dry_run.py::test_choices_at_chance_level_are_warned_about",
    ],
    "NaN and infinity as a reward": [f"{USER}test_what_is_no_finite_number_is_unscored_and_named"],
    "a number too large for a float": [
        f"{MATCHING}test_a_number_too_large_for_a_float_is_a_wrong_answer_like_any_other"
    ],
    "a program that hedges, or answers with more than a number": [
        f"{ANSWER}test_a_guess_a_hedge_or_a_trick_earns_nothing"
    ],
    "honest twins": [
        f"{COUNTDOWN}test_an_honest_expression_earns_everything",
        f"{MATH}test_every_form_of_the_right_answer_earns",
        f"{MATCHING}test_usual_spellings_of_one_number_are_read",
        f"{ANSWER}test_an_honest_program_earns_however_it_gives_its_answer",
    ],
}

FORM = {
    "an empty thought, or one of invisible characters": [
        f"{FORMAT}test_a_broken_format_scores_zero",
        f"{FORMAT}test_the_reason_says_what_the_thought_lacks",
    ],
    "text after the answer; the answer before the thought": [
        f"{FORMAT}test_a_broken_format_scores_zero"
    ],
    "50 copies of a tag": [f"{FORMAT}test_farmed_tags_are_flagged[50 copies of the answer]"],
    "4,000 repetitions": [f"{FORMAT}test_4000_repetitions_are_noticed"],
    "50 kB of a tag without a close": [f"{FORMAT}test_50_kb_of_unclosed_tags_take_no_time"],
    "honest twins": [
        f"{FORMAT}test_an_honest_format_earns_one",
        f"{FORMAT}test_long_honest_text_is_not_called_repetitive",
    ],
}

PYTHON_CODE = {
    "leaving without an error": [
        f"{PROGRAM}[leaving without an error at import]",
        f"{PROGRAM}[leaving without an error when called]",
        f"{PROGRAM}[sys.exit(0) at import]",
        f"{PROGRAM}[sys.exit(0) when called]",
    ],
    "a printed success": [f"{PROGRAM}[a printed success]"],
    "objects that equal everything": [
        f"{PROGRAM}[a result that equals everything]",
        f"{PROGRAM}[mock.ANY]",
        f"{PROGRAM}[equal by a metaclass]",
        f"{PROGRAM}[a generator]",
        "sandbox/test_values.py::test_anything_else_is_opaque_and_equals_nothing",
        "rewards/test_value_comparison.py::test_what_is_not",
    ],
    "reading the tests": [
        f"{UNIT}test_no_expected_value_is_ever_sent_to_a_candidate",
        f"{PROGRAM}[arguments and environment]",
        f"{PROGRAM}[the harness's variables]",
        f"{PROGRAM}[everything alive]",
    ],
    "running again with -O": [f"{PROGRAM}[running again with -O]"],
    "overwriting the harness": [
        f"{PROGRAM}[the harness's own functions replaced]",
        f"{PROGRAM}[the encoder replaced]",
    ],
    "hard-coding the tests": [
        f"{PROGRAM}[the visible tests by heart]",
        f"{UNIT}test_hard_coding_the_visible_tests_is_flagged_and_seen_in_the_gap",
        f"{UNIT}test_hard_coding_all_tests_of_the_row_fails_the_random_ones",
        f"{STDOUT}test_partial_credit_and_the_gap",
    ],
    "mutating the arguments": [
        f"{PROGRAM}[the argument, changed in place]",
        f"{UNIT}test_an_honest_program_earns_everything[changing its argument on the way]",
    ],
    "a forged result frame": [
        f"{PROGRAM}[a forged result frame]",
        f"{PROGRAM}[two frames for one call]",
        "sandbox/test_values.py::test_what_encode_would_not_write_is_an_error",
        "sandbox/test_values.py::test_keys_made_to_collide_are_refused_before_they_cost_anything",
    ],
    "threads and forks that act later": [
        f"{PROGRAM}[a thread that answers later]",
        f"{PROGRAM}[a fork that prints later]",
    ],
    "reading files, keys, environment, other processes": [
        f"{REACHING_OUT}[the password file]",
        f"{REACHING_OUT}[the dataset]",
        f"{REACHING_OUT}[the environment of the parent]",
        f"{UNIT}test_the_environment_holds_no_secret",
        f"{ESCAPES}test_files_of_the_project_are_out_of_reach",
        f"{ESCAPES}test_the_files_of_a_neighbour_are_out_of_reach",
    ],
    "network": [
        f"{REACHING_OUT}[network]",
        f"{ESCAPES}test_there_are_no_sockets_of_any_family",
    ],
    "patched clocks, signals and limits": [
        f"{PROGRAM}[clocks, alarms and limits patched, then a hang]",
        f"{ESCAPES}test_a_patched_clock_or_alarm_does_not_move_the_deadline",
    ],
    "every plausible answer, or a flood": [
        f"{STDOUT}test_a_cheat_earns_nothing[every plausible answer]",
        f"{STDOUT}test_a_cheat_earns_nothing[a flood]",
        f"{PROGRAM}[a flood of output]",
    ],
    "segfaults and bombs": [
        f"{PROGRAM}[a recursion to a segfault]",
        f"{PROGRAM}[10**10**7]",
        f"{PROGRAM}[all memory]",
        f"{PROGRAM}[a decompression bomb]",
        f"{PROGRAM}[a regex bomb]",
        f"{UNIT}test_one_hang_costs_its_own_time_alone",
    ],
    "honest twins": [
        f"{UNIT}test_an_honest_program_earns_everything",
        f"{STDOUT}test_an_honest_program_earns_everything_however_it_reads_and_prints",
        "rewards/test_value_comparison.py::test_what_is_equal",
        "tasks/test_python_code_task.py::test_every_functions_own_source_earns_the_full_reward",
    ],
}

USER_FUNCTIONS = {
    "raising on some samples": [
        f"{USER}test_an_exception_names_the_sample_and_the_line_and_scores_the_others"
    ],
    "a wrong length": [f"{USER}test_a_wrong_length_scores_nothing"],
    "numbers of every kind, and what is none": [
        f"{USER}test_numbers_of_every_kind_are_scores",
        f"{USER}test_what_is_no_finite_number_is_unscored_and_named",
    ],
    "order and chance": [
        "rewards/test_consistency.py::test_a_random_function_is_reported_once",
        "rewards/test_consistency.py::test_a_function_of_the_place_in_the_batch_is_reported",
    ],
    "10 MB of prints": [f"{USER}test_ten_megabytes_of_prints_do_no_harm"],
    "a missing module": [f"{USER}test_a_missing_module_is_explained"],
}


HELD_BY = sorted(
    {
        (case, test)
        for section in (MATHEMATICS, FORM, PYTHON_CODE, USER_FUNCTIONS)
        for case, tests in section.items()
        for test in tests
    }
)


@functools.cache
def read_tests(file: str) -> tuple[frozenset[str], str]:
    """The test functions of a file, and its text with that of the programs it reads."""
    path = TESTS / file
    text = path.read_text(encoding="utf-8")
    names = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    if "program_cases" in text:
        programs = sorted((path.parent / "program_cases").rglob("*.py"))
        text += "".join(program.read_text(encoding="utf-8") for program in programs)
    return frozenset(names), text


@pytest.mark.parametrize(("case", "test"), HELD_BY, ids=lambda value: value[-60:])
def test_a_known_cheat_is_held_by_a_test_that_exists(case: str, test: str) -> None:
    file, _, name = test.partition("::")
    name, _, parameter = name.partition("[")
    names, text = read_tests(file)
    assert name in names, f"{case}: {file} has no test {name}"
    assert parameter.removesuffix("]") in text, f"{case}: {file} has no case {parameter}"
