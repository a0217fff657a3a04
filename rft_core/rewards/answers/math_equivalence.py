"""Mathematical equivalence: LaTeX and numbers, compared by math-verify, in the jail.

1 where the answer is another form of the gold answer: 1/2, 0.5 and \\frac{1}{2}; an interval, a
set, a matrix, a polynomial. Where the gold answer is one number the answer must state one number:
sets, ranges, text, other letters, "1 or 2", 050 and --50 earn 0. The rule for `=`: a single letter
that names the value ("x = 5") is dropped, any other equation is no number. An unsolved form of the
question is equivalent too: where the number must be written out, use `numeric_match`.

math-verify's own time limits are switched off, since they work only in a main thread and turn into
silent zeros elsewhere; the jailed side has a timer for each answer and a deadline behind it. That
side is a module of its own, `math_comparison.py`, since importing sympy takes a second.
Source: https://github.com/huggingface/Math-Verify
"""

from __future__ import annotations

from rft_core.rewards.grader_info import COLUMN, EXTRACTION, GraderInfo, JailedGrading

SECONDS_EACH = 2.0  # as `math_comparison.py` gives them

MATH_EQUIVALENCE = GraderInfo(
    "math_equivalence",
    None,
    "1 if the answer is mathematically equal to the gold answer (LaTeX or plain).",
    (COLUMN, EXTRACTION),
    jailed=JailedGrading(f"{__package__}.math_comparison", SECONDS_EACH),
)
