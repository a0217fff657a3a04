"""Mathematical equivalence: LaTeX and numbers, compared by math-verify, in the jail.

1 where the answer is another form of the gold answer: 1/2, 0.5 and \\frac{1}{2}; an interval, a
set, a matrix, a polynomial. What is the gold answer letter for letter is right, whatever it is.
Where the gold answer is one number the answer must state one number: sets, ranges, text, other
letters, "1 or 2", 050 and --50 earn 0. The rule for `=`: a single letter that names the value
("x = 5") is dropped; several names keep their values (x = 3, y = 4). Any other equation is no
number. An unsolved form of the question is equivalent too: where the number must be written out,
use `numeric_match`.

A and a are two variables. An inequality that states its solution is the numbers that it allows:
x<3 or x>5 is the union of two intervals, and not "x<3 and x>5". Where both answers name a unit it
must be the same one; values are not converted.

A gold answer that cannot be read whole (3:1, 5 ft 3 in, a word) leaves other answers unscored, and
a plain number, which is a part of it at best, earns 0; with `same_text`, as MATH's rows need it,
the answer must then be that text, in any spelling that `math_text.py` knows.
Numbers are the same to six places and to a relative error of 5e-6.

math-verify's own time limits are switched off, since they work only in a main thread and turn into
silent zeros elsewhere; the jailed side has a timer for each answer and a deadline behind it. That
side is `math_comparison.py` and what it imports, since importing sympy takes a second.
Source: https://github.com/huggingface/Math-Verify
"""

from __future__ import annotations

from rft_core.rewards.grader_info import (
    COLUMN,
    EXTRACTION,
    GraderInfo,
    GraderOption,
    JailedGrading,
)

SECONDS_EACH = 2.0  # as `math_comparison.py` gives them

MATH_EQUIVALENCE = GraderInfo(
    "math_equivalence",
    None,
    "1 if the answer is mathematically equal to the gold answer (LaTeX or plain).",
    (
        COLUMN,
        EXTRACTION,
        GraderOption(
            "same_text",
            "bool",
            False,
            "The gold text itself is right, and nothing else where it is not mathematics.",
        ),
    ),
    jailed=JailedGrading(f"{__package__}.math_comparison", SECONDS_EACH),
)
