"""MathQA: word problems with five choices, or with the number that the right choice states.

Rows come from an upload in the published format (Problem, options, correct). With choices a policy
can score by naming one letter: the dry run warns where a score is no better than that. The numeric
task wants the value itself, which cannot be guessed so easily.
"""

from __future__ import annotations

from dataclasses import replace

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.rewards.answers.matching import gold_number
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import choice_cheats, program_cheats, word_problem_cheats
from rft_core.tasks.task import Task
from rft_core.tasks.word_problems import PROGRAM_REWARDS, PROGRAM_TEMPLATE, USER_TEMPLATE
from rft_core.types import Row

QUESTION = RowField("question", "text", aliases=("Problem",))
THOUGHT = RowField("rationale", "text", required=False, aliases=("Rationale", "solution"))
CHOICE_TEMPLATE = (
    "{{ question }}\nChoices: {{ options }}\nShow your work in <think> </think> tags, and return "
    "the letter of the right choice in <answer> </answer> tags, for example <answer> A </answer>."
)
PROBLEM = "A train runs 120 km in 1.5 hours. What is its speed in km per hour?"
RATIONALE = "120 km in 1.5 hours is 120 / 1.5 = 80 km per hour."


def write_gold(row: Row) -> str | None:
    """The rationale as the thought, where the row has one."""
    thought = str(row.get("rationale") or "").strip()
    return f"<think>{thought}</think>\n<answer>{row['answer']}</answer>" if thought else None


def write_gold_program(row: Row) -> str | None:
    """The same with a program that states the number: the rationale is in words."""
    number = gold_number(row, "answer")
    thought = str(row.get("rationale") or "").strip()
    if number is None or not thought:
        return None
    return f"<think>{thought}</think>\n<answer>\nanswer = {number}\n</answer>"


MATHQA = Task(
    name="mathqa",
    title="MathQA, multiple choice",
    description="Word problems with five choices. Guessing one letter already scores about 20%.",
    fields=(
        QUESTION,
        RowField("options", "text", aliases=("choices",)),
        RowField("answer", "text", aliases=("correct",)),
        THOUGHT,
    ),
    template=PromptTemplate(system="", user=CHOICE_TEMPLATE),
    reward_set=RewardSet(
        (RewardEntry("format", "format"), RewardEntry("correctness", "choice")),
        "mathqa",
        truth=("correctness",),
    ),
    example_row={
        "question": PROBLEM,
        "options": "a ) 60 , b ) 75 , c ) 80 , d ) 90 , e ) 180",
        "answer": "c",
        "rationale": RATIONALE,
    },
    write_gold=write_gold,
    cheats=choice_cheats,
    hub_name="allenai/math_qa",
)

MATHQA_NUMERIC = Task(
    name="mathqa_numeric",
    title="MathQA, numeric",
    description="Word problems whose answer is a number to be written out, not a letter.",
    fields=(QUESTION, RowField("answer", "any"), THOUGHT),
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=RewardSet(
        (RewardEntry("format", "format"), RewardEntry("correctness", "numeric_match")),
        "mathqa numeric",
        truth=("correctness",),
    ),
    example_row={"question": PROBLEM, "answer": 80, "rationale": RATIONALE},
    write_gold=write_gold,
    cheats=word_problem_cheats,
)

MATHQA_PROGRAM = replace(
    MATHQA_NUMERIC,
    name="mathqa_program",
    title="MathQA, by program",
    description="Word problems whose answer is a number that a Python program computes.",
    template=PromptTemplate(system="", user=PROGRAM_TEMPLATE),
    reward_set=PROGRAM_REWARDS,
    write_gold=write_gold_program,
    cheats=program_cheats,
)
