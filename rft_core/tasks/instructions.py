"""Instructions: write a text that keeps verifiable constraints, as in IFEval.

Rows are generated (`constrained/`) or come from an upload: a prompt, and its constraints as
`rewards/text/instruction_kinds.py` lists them. The prompt must itself say what is wanted; the
constraints are only what is checked. `format`
is the share of the constraints that are kept, `correctness` is 1 where all are.
"""

from __future__ import annotations

from dataclasses import replace

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.text.instruction_conflicts import find_conflict
from rft_core.rewards.text.instructions import find_constraint_problem, without_none
from rft_core.tasks.cheats import instruction_cheats
from rft_core.tasks.constrained import generator
from rft_core.tasks.task import Task
from rft_core.types import Row

EXAMPLE = {
    "prompt": "Describe the sea in at most 20 words, in lower case and without commas. Use the "
    "word salt.",
    "constraints": [
        {"kind": "word_count", "maximum": 20},
        {"kind": "lowercase"},
        {"kind": "no_commas"},
        {"kind": "keywords", "words": ["salt"]},
    ],
}
EXAMPLE_GOLD = "the sea is grey and loud and it smells of salt."


def write_gold(row: Row) -> str | None:
    """Constraints can be checked but not written; a column `gold` may hold a known completion."""
    gold = EXAMPLE_GOLD if row == EXAMPLE else row.get("gold")
    return str(gold) if gold else None


def find_obstacle(row: Row) -> str:
    constraints = without_none(row.get("constraints"))
    return "" if find_constraint_problem(constraints) else find_conflict(constraints)


INSTRUCTIONS = Task(
    name="instructions",
    title="Instructions",
    description="Keep constraints that a program can check: counts, words, case, layout, language.",
    fields=(RowField("prompt", "text"), RowField("constraints", "list")),
    template=PromptTemplate(system="", user="{{ prompt }}"),
    reward_set=RewardSet(
        (
            RewardEntry("format", "instructions", options={"partial": True}),
            RewardEntry("correctness", "instructions"),
        ),
        "instructions",
        truth=("correctness",),
    ),
    example_row=EXAMPLE,
    write_gold=write_gold,
    cheats=instruction_cheats,
    find_obstacle=find_obstacle,
    make_rows=generator.make_rows,
    make_key=generator.make_key,
    is_made=generator.has_text,
    family="instructions",
)

INSTRUCTIONS_EASY = replace(
    INSTRUCTIONS,
    name="instructions-easy",
    title="Instructions, easy",
    description="Keep two or three constraints in 10 to 25 words: a title, a first word, counts.",
    make_rows=generator.make_easy_rows,
)
