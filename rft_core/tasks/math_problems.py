r"""MATH: competition problems, each with a worked solution that puts its answer in \boxed{}.

Rows come from an upload or from the hub in the published columns. The solution is the gold thought
and its box the gold answer, which is compared as mathematics, and as text where it is none (a
weekday, 3:1). Solutions with several boxes that differ have no gold: 23 of the 5,000 for testing.
Source: https://github.com/hendrycks/math (arXiv 2103.03874).
"""

from __future__ import annotations

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.rewards.completion_text import from_box
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import math_cheats
from rft_core.tasks.task import Task
from rft_core.types import Row

USER_TEMPLATE = (
    "{{ problem }}\nShow your work in <think> </think> tags, and return the final answer in "
    "<answer> </answer> tags, for example <answer> \\frac{1}{2} </answer>."
)


def write_gold(row: Row) -> str | None:
    """The solution as the thought, and what stands in its box; None without one box."""
    solution = str(row["solution"]).strip()
    answer = from_box(solution).text
    return f"<think>{solution}</think>\n<answer>{answer}</answer>" if answer else None


MATH = Task(
    name="math",
    title="MATH",
    description="Competition mathematics whose answer is a number, an expression or a word.",
    fields=(RowField("problem", "text", aliases=("question",)), RowField("solution", "text")),
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=RewardSet(
        (
            RewardEntry("format", "format"),
            RewardEntry(
                "correctness",
                "math_equivalence",
                options={"column": "solution", "same_text": True},
            ),
        ),
        "math",
        truth=("correctness",),
    ),
    example_row={
        "problem": "What is half of the sum of the solutions of $x^2 - 5x + 6 = 0$?",
        "solution": "It factors into $(x - 2)(x - 3) = 0$, so the solutions are 2 and 3. Half of "
        "their sum is $\\boxed{\\frac{5}{2}}$.",
    },
    write_gold=write_gold,
    cheats=math_cheats,
    hub_name="EleutherAI/hendrycks_math",
)
