"""Cheats on Python code with tests, and the tests that hold them."""

UNIT = "rewards/code/test_unit_test_hacks.py::"
PROGRAM = f"{UNIT}test_a_cheat_earns_nothing_and_harms_nobody"
REACHING_OUT = f"{UNIT}test_reaching_out_is_blocked_flagged_and_not_paid_even_beside_right_results"
STDOUT = "rewards/code/test_stdout_tests.py::"
ESCAPES = "sandbox/test_escapes.py::"

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
        "rewards/code/test_value_comparison.py::test_what_is_not",
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
        f"{UNIT}test_wrong_results_before_the_time_is_up_still_show_what_was_known_by_heart",
        f"{UNIT}test_too_slow_or_too_large_is_no_proof_of_cheating_nor_of_honesty",
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
        "rewards/code/test_value_comparison.py::test_what_is_equal",
        "tasks/test_python_code_task.py::test_every_functions_own_source_earns_the_full_reward",
    ],
}
