"""Grading programs: by unit tests, by what they print, by the answer they compute.

The graders are `unit_tests.py`, `stdout_tests.py` and `answer.py`. All three find the program in
the completion with `source.py` and run it with `runs.py`, which knows the sandbox and the clock.
The first two share `cases.py`: what a row's tests are, visible and hidden, and what passing them
earns. Tests come from `assert_lines.py` and `random_inputs.py` too; `value_comparison.py` says when
a returned value is the expected one.
"""
