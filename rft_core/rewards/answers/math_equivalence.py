"""Mathematical equivalence: LaTeX and numbers, compared by math-verify, in the child.

1 where the answer is another form of the gold answer: 1/2, 0.5 and \\frac{1}{2}; an interval, a
set, a matrix, a polynomial. Where the gold answer is one number the answer must state one number:
sets, ranges, text, other letters, "1 or 2", 050 and --50 earn 0. The rule for `=`: a single letter
that names the value ("x = 5") is dropped, any other equation is no number. An unsolved form of the
question is equivalent too: where the number must be written out, use `numeric_match`.

math-verify's own time limits are switched off, since they work only in a main thread and turn into
silent zeros elsewhere; the child has a timer for each answer and its own deadline behind it.
Source: https://github.com/huggingface/Math-Verify
"""

from __future__ import annotations

from rft_core.rewards.child_source import make_child_entry
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.grader_info import COLUMN, EXTRACTION, GraderInfo

MODULES = ("child_grading", "completion_text", "answers.number_text", "answers.math_child")
SECONDS = 1.0  # for the gold answer, and once more for the completion's


def make_math_entry(entry: RewardEntry) -> RewardEntry:
    """The Python entry that compares in the child."""
    options = MATH_EQUIVALENCE.with_defaults(entry) | {"seconds": SECONDS}
    return make_child_entry(entry, MODULES, options)


MATH_EQUIVALENCE = GraderInfo(
    "math_equivalence",
    None,
    "1 if the answer is mathematically equal to the gold answer (LaTeX or plain).",
    (COLUMN, EXTRACTION),
    make_entry=make_math_entry,
    seconds_each=2 * SECONDS,
)
