"""Word problems with a number for an answer: GSM8K, our own stories, any file of questions.

GSM8K's rows come from an upload or from the hub; `word_problems` brings the stories of `stories/`,
and takes uploads as well. An answer is a number, or GSM8K's worked solution that ends in
`#### number`; such a solution, without its `<<48/2=24>>` marks, is the gold thought.
Each comes in two ways, as in ReFT: worked out in words (N-CoT), or by a Python program that we run
(P-CoT), whose gold is made of the marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.rewards.answers.number_text import parse_number
from rft_core.rewards.completion_text import HASH_MARK
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import program_cheats, word_problem_cheats
from rft_core.tasks.stories import generator
from rft_core.tasks.task import OtherRewards, Task
from rft_core.types import Row

USER_TEMPLATE = (
    "{{ question }}\nShow your work in <think> </think> tags, and return the final number in "
    "<answer> </answer> tags, for example <answer> 42 </answer>."
)
PROGRAM_TEMPLATE = (
    "{{ question }}\nShow your thoughts in <think> </think> tags, and return a Python program that "
    "computes the number in <answer> </answer> tags. It assigns the number to the variable "
    "`answer`, for example <answer> answer = 6 * 7 </answer>."
)
CALCULATION_MARK = re.compile(r"<<[^<>]*>>")
CALCULATION = re.compile(r"<<([0-9.+\-*/() ]{1,100})=([0-9.]+)>>")
NUMBER = re.compile(r"[0-9.]+")

_REWARDS = RewardSet(
    (RewardEntry("format", "format"), RewardEntry("correctness", "numeric_match")),
    "word problems",
    truth=("correctness",),
)
PROGRAM_REWARDS = RewardSet(
    (RewardEntry("format", "format"), RewardEntry("correctness", "program_answer")),
    "word problems, by program",
    truth=("correctness",),
)
# ReFT's (arXiv 2401.08967): 1 if right, 0.1 for any other number, 0 without one. `right` is looked
# at alone: the mean of the other is not the share of right answers.
_RIGHT = RewardEntry(
    "right", "formula", weight=0.0, options={"expression": "max(0, correctness - 0.1) / 0.9"}
)
_REFT = {
    grader: OtherRewards(
        RewardSet(
            (RewardEntry("correctness", grader, options={"partial": 0.1}), _RIGHT),
            name,
            truth=("correctness",),
        ),
        "1 if right, 0.1 for any other number",
    )
    for grader, name in (("numeric_match", "ReFT"), ("program_answer", "ReFT, by program"))
}
_FIELDS = (RowField("question", "text"), RowField("answer", "any"))


def write_gold(row: Row) -> str | None:
    """The worked solution as the thought and its number as the answer; None without a solution."""
    solution, mark, number = str(row["answer"]).rpartition(HASH_MARK)
    thought = CALCULATION_MARK.sub("", solution).strip()
    if not mark or not thought:
        return None
    return f"<think>{thought}</think>\n<answer>{number.strip()}</answer>"


def write_gold_program(row: Row) -> str | None:
    """The solution as the thought, its calculation marks as the program; None without marks, or
    where the last is not the answer.
    """
    solution, _, number = str(row["answer"]).rpartition(HASH_MARK)
    steps = CALCULATION.findall(solution)
    if not steps or parse_number(steps[-1][1]) != parse_number(number):
        return None
    thought = CALCULATION_MARK.sub("", solution).strip()
    return f"<think>{thought}</think>\n<answer>\n{_write_program(steps)}\n</answer>"


def _write_program(steps: Sequence[tuple[str, str]]) -> str:
    """A line for each (term, value); a later term names an earlier value by its step."""
    lines: list[str] = []
    names: dict[str, str] = {}
    for place, (term, value) in enumerate(steps, start=1):
        name = "answer" if place == len(steps) else f"step_{place}"
        named = NUMBER.sub(lambda match: names.get(match[0], match[0]), term.strip())
        lines.append(f"{name} = {named}")
        names[value] = name
    return "\n".join(lines)


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
    other_rewards={"reft": _REFT["numeric_match"]},
    hub_name="openai/gsm8k",
)

WORD_PROBLEMS = replace(
    GSM8K,
    name="word_problems",
    title="Word problems",
    description="Short stories with one number each for an answer; or your own, such as SVAMP.",
    example_row={
        "question": "A box holds 6 eggs. How many eggs are in 7 boxes?",
        "answer": "Each box holds 6 eggs, so 7 boxes hold 6 * 7 = <<6*7=42>>42 eggs.\n#### 42",
    },
    make_rows=generator.make_rows,
    make_key=generator.make_key,
    is_made=generator.is_story,
    hub_name="ChilleD/SVAMP",
    family="word_problems",
)

GSM8K_PROGRAM = replace(
    GSM8K,
    name="gsm8k_program",
    title="GSM8K, by program",
    description="Grade-school word problems, solved by a Python program that computes the number.",
    template=PromptTemplate(system="", user=PROGRAM_TEMPLATE),
    reward_set=PROGRAM_REWARDS,
    other_rewards={"reft": _REFT["program_answer"]},
    write_gold=write_gold_program,
    cheats=program_cheats,
)

WORD_PROBLEMS_PROGRAM = replace(
    WORD_PROBLEMS,
    name="word_problems_program",
    title="Word problems, by program",
    description="The same stories, or your own questions, each solved by a Python program.",
    template=PromptTemplate(system="", user=PROGRAM_TEMPLATE),
    reward_set=PROGRAM_REWARDS,
    other_rewards={"reft": _REFT["program_answer"]},
    write_gold=write_gold_program,
    cheats=program_cheats,
)
