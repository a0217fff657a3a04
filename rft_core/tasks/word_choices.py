"""Word problems with five choices, of which the wrong ones are what usual mistakes lead to.

Right letters are paid, however they were found: the lesson of ReFT (arXiv 2401.08967, section 4.4),
whose training on MathQA's choices rewarded wrong reasoning that happened to end at the right
letter. `reasoning` has weight 0 and watches for it: it is 1 where the calculations in the thought
are true and end in the value of the choice that is named. The gap between `correctness` and what is
right in both is the share of letters that were guessed. Give it a weight, and the gap closes.
"""

from __future__ import annotations

from dataclasses import replace

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.mathqa import MATHQA
from rft_core.tasks.stories import choices, generator

WORD_PROBLEMS_CHOICE = replace(
    MATHQA,
    name="word_problems_choice",
    title="Word problems, multiple choice",
    description="The same stories with five choices: a right letter may come of wrong reasoning.",
    reward_set=RewardSet(
        (
            RewardEntry("format", "format"),
            RewardEntry("correctness", "choice"),
            RewardEntry("reasoning", "reasoning", weight=0.0),
        ),
        "word problems, multiple choice",
        truth=("correctness",),
    ),
    example_row={
        "question": "A box holds 6 eggs. How many eggs are in 7 boxes?",
        "options": "a ) 13 , b ) 36 , c ) 42 , d ) 49 , e ) 1",
        "answer": "c",
        "rationale": "7 boxes hold 6 * 7 = 42 eggs.",
    },
    make_rows=choices.make_rows,
    make_key=generator.make_key,
    is_made=generator.is_story,
    hub_name="",
    family="word_problems",
)
