"""Word problems with a number for an answer: GSM8K, and any file of questions and answers.

The rows come from an upload or from the hub. An answer is a number, or GSM8K's worked solution
that ends in `#### number`; such a solution, without its `<<48/2=24>>` marks, is the gold thought.
"""

from __future__ import annotations

import re

from rft_core.prompts.mapping import RowField
from rft_core.prompts.template import PromptTemplate
from rft_core.rewards.contract import RewardEntry, RewardSet, Row
from rft_core.rewards.extraction import HASH_MARK
from rft_core.tasks.cheats import word_problem_cheats
from rft_core.tasks.task import Task

USER_TEMPLATE = (
    "{{ question }}\nShow your work in <think> </think> tags, and return the final number in "
    "<answer> </answer> tags, for example <answer> 42 </answer>."
)
CALCULATION_MARK = re.compile(r"<<[^<>]*>>")

_REWARDS = RewardSet(
    (RewardEntry("format", "format"), RewardEntry("correctness", "numeric_match")), "word problems"
)
_FIELDS = (RowField("question", "text"), RowField("answer", "any"))


def write_gold(row: Row) -> str | None:
    """The worked solution as the thought and its number as the answer; None without a solution."""
    solution, mark, number = str(row["answer"]).rpartition(HASH_MARK)
    thought = CALCULATION_MARK.sub("", solution).strip()
    if not mark or not thought:
        return None
    return f"<think>{thought}</think>\n<answer>{number.strip()}</answer>"


GSM8K = Task(
    name="gsm8k",
    title="GSM8K",
    description="Grade-school word problems with worked solutions.",
    fields=_FIELDS,
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=_REWARDS,
    example_row={
        "question": "Natalia sold clips to 48 of her friends in April, and then she sold half as "
        "many clips in May. How many clips did Natalia sell altogether in April and May?",
        "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\n"
        "Natalia sold 48+24 = <<48+24=72>>72 clips altogether in April and May.\n#### 72",
    },
    write_gold=write_gold,
    cheats=word_problem_cheats,
    hub_name="openai/gsm8k",
)

WORD_PROBLEMS = Task(
    name="word_problems",
    title="Word problems",
    description="Your own questions with one number each for an answer, such as SVAMP or MathQA.",
    fields=_FIELDS,
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=_REWARDS,
    example_row={
        "question": "A box holds 6 eggs. How many eggs are in 7 boxes?",
        "answer": "Each box holds 6 eggs, so 7 boxes hold 6 * 7 = 42 eggs.\n#### 42",
    },
    write_gold=write_gold,
    cheats=word_problem_cheats,
    hub_name="ChilleD/SVAMP",
)
