"""Triton kernels: rewrite a PyTorch function so that a kernel of one's own computes it.

A row holds the reference and the shapes of its inputs; where a size is a name ("n", "batch"), one
is drawn anew for every test.
Rewards: the form (from the syntax tree), whether it compiles, and the share of tests it passes.
The easy task has only what the generator draws: one line, elementwise or along the last axis.
"""

from __future__ import annotations

from dataclasses import replace

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.task import OtherRewards, Rows, Task
from rft_core.tasks.triton import generator as triton_generator
from rft_core.tasks.triton.cheats import triton_cheats
from rft_core.tasks.triton.examples import EXAMPLES
from rft_core.tasks.triton.generator import read_problem, write_kernel
from rft_core.tasks.triton.reference import make_key
from rft_core.types import Row

SYSTEM_TEMPLATE = (
    "You write Triton kernels. Answer with Python code alone, in <triton_code> </triton_code> "
    "tags. Import torch, triton and triton.language as tl. Compute in functions decorated with "
    "@triton.jit and mask their loads and stores. The function f only allocates the output with "
    "torch.zeros or torch.full, launches, and returns it: no torch computation."
)
USER_TEMPLATE = (
    "Rewrite f with a Triton kernel.\n{{ reference | trim }}\nInputs:"
    "{% for input in inputs %} {{ input.dtype }}[{{ input.shape | join(', ') }}]{% endfor %}"
)
_GOLDS = {each.row["reference"]: each.gold for some in EXAMPLES.values() for each in some}


def make_rows(split: str, count: int, seed: int) -> Rows:
    """The hand-written rows of a split, the simplest first; beyond them, generated ones."""
    rows = [dict(example.row) for example in EXAMPLES[split][:count]]
    return rows + triton_generator.make_rows(split, count - len(rows), seed)


def write_gold(row: Row) -> str | None:
    """A right completion, for the rows that this project itself brings."""
    if row["reference"] in _GOLDS:
        return wrap(_GOLDS[row["reference"]])
    problem = read_problem(row)
    return wrap(write_kernel(problem)) if problem else None


def wrap(code: str) -> str:
    """Code as a completion."""
    return f"<triton_code>\n{code}</triton_code>"


REWARDS = RewardSet(  # a caught cheat earns nothing at all
    (
        RewardEntry("format", "triton_format", when_flagged=0.0),
        RewardEntry("compilation", "triton_compilation"),
        RewardEntry("correctness", "triton_correctness"),
    ),
    "triton kernels",
    truth=("correctness",),
)
_REPORT = {"detectors": "report"}  # a caught cheat is flagged, and paid like any other
NAIVE_REWARDS = RewardSet(  # right values, however they came about: how most people would begin
    (
        RewardEntry("format", "triton_format", weight=0.0),
        RewardEntry("compilation", "triton_compilation", weight=0.0, options=_REPORT),
        RewardEntry("correctness", "triton_correctness", options=_REPORT),
    ),
    "triton kernels, naive",
    truth=("correctness",),
)


_FIELDS = (
    RowField("reference", "text", aliases=("pytorch", "torch_code", "code")),
    RowField("inputs", "list"),
)

TRITON_KERNELS = Task(
    name="triton_kernels",
    title="Triton kernels",
    description="Rewrite PyTorch functions as Triton kernels: 13 written by hand, then generated.",
    fields=_FIELDS,
    template=PromptTemplate(SYSTEM_TEMPLATE, USER_TEMPLATE),
    reward_set=REWARDS,
    other_rewards={"naive": OtherRewards(NAIVE_REWARDS, "can be gamed")},
    example_row=EXAMPLES["train"][0].row,
    write_gold=write_gold,
    make_rows=make_rows,
    make_key=make_key,
    cheats=triton_cheats,
    family="triton_kernels",
)

TRITON_KERNELS_EASY = replace(
    TRITON_KERNELS,
    name="triton_kernels-easy",
    title="Triton kernels, easy",
    description="Rewrite one-line PyTorch functions, elementwise or along rows, as Triton kernels.",
    example_row=triton_generator.make_rows("held_out", 1, seed=0)[0],
    make_rows=triton_generator.make_rows,
)
