"""Synthetic Triton text: seeded rows, and kernels that are nearly right.

The embedded base model is trained on what this file writes: the task's own gold kernels, in which
it misreads the reference, forgets a mask, a decorator or an argument, and sometimes cheats, letting
torch compute what the kernel was asked for. How to write a kernel is in the text, and the habit of
writing it carefully is not: that habit is what reinforcement learning adds.

The prompt, the way of writing a kernel and the split are the task's own. Half of the references
go beyond it: a model that has only seen the task's few forms repeats them instead of reading the
prompt. Nothing is run here.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from rft_core.embedded.text_source import TextSource
from rft_core.tasks.triton.expression import (
    OPERATIONS,
    Expression,
    apply,
    make_input,
    make_number,
)
from rft_core.tasks.triton.generator import (
    NAMES,
    ON_INPUTS_ONLY,
    REDUCTIONS,
    ROWS_OF_A_MATRIX,
    KernelTask,
    bucket,
    read_problem,
    sample_problem,
    write_kernel,
    write_reference,
)
from rft_core.tasks.triton.kernels import TRITON_KERNELS_EASY, wrap
from rft_core.tasks.triton.reference import make_key
from rft_core.types import Row

BROAD_SHARE = 0.5  # of the references are random trees rather than the task's own
MOST_OPERATIONS = 4  # in a random tree
NAMES_IN_USE = (NAMES[:1], NAMES[:2], NAMES)
NUMBERS = tuple(number / 10 for number in range(-30, 31) if number)
MISREAD_SHARE = 0.10  # of the kernels compute something like the reference
CHEAT_SHARE = 0.13
DECOY_SHARE = 0.6  # of the cheats launch a kernel, and return torch's result all the same

# Lines that hardly change become a few tokens. Elsewhere names and brackets are tokens alone,
# so that expressions are read and written part by part.
PIECES = r"(?:def |    (?:kernel\[|i = |[xyz] = |n = |out = ))[^\n]*|[0-9()]|\b[xyz]\b"

# How often, what is written, and what is written instead.
SLIPS: tuple[tuple[float, str, str], ...] = (
    (0.07, r"@triton\.jit\n", ""),
    (0.04, r"import triton\.language as tl\n", ""),
    (0.06, r"(tl\.load\(.*), mask=mask\)", r"\1)"),
    (0.08, r"(tl\.store\(.*), mask=mask\)", r"\1)"),
    (0.06, r"program_id\(0\) \* BLOCK", "program_id(0)"),  # the blocks overlap
    (0.15, r"value = tl\.where\(mask, (.*), \S+\)\n", r"value = \1\n"),
    (0.06, r"torch\.zeros", "torch.empty"),
    (0.06, r"out, n, BLOCK=", "out, BLOCK="),
    (0.04, r", BLOCK=[^)]*\)+\n", ")\n"),
    (0.03, r"return out\n", "return\n"),
)


def sample_row(rng: random.Random) -> Row:
    """A row whose kernel belongs to the training split."""
    if rng.random() >= BROAD_SHARE:
        return sample_problem(rng).row()
    while True:
        tree = _grow(rng, rng.choice(NAMES_IN_USE), rng.randint(1, MOST_OPERATIONS))
        reduction = rng.choice(["", "", "", *REDUCTIONS])
        rows = rng.choice(ROWS_OF_A_MATRIX)
        problem = KernelTask(
            tree, reduction, (rows, "n") if reduction or rng.random() < 0.2 else ("n",)
        )
        row = problem.row()
        if problem.inputs and bucket(make_key(row)) == "train" and read_problem(row):
            return row


def _grow(rng: random.Random, names: Sequence[str], operations: int) -> Expression:
    """A random tree of so many operations."""
    if not operations:
        return make_input(rng.choice(names))
    name = rng.choice([n for n in OPERATIONS if operations == 1 or n not in ON_INPUTS_ONLY])
    operation = OPERATIONS[name]
    left = operations - 1
    if operation.operands - operation.constants == 2:
        split = rng.randint(0, left)
        return apply(name, _grow(rng, names, split), _grow(rng, names, left - split))
    numbers = sorted(rng.choice(NUMBERS) for _ in range(operation.constants))
    return apply(name, _grow(rng, names, left), *(make_number(str(n)) for n in numbers))


def imperfect_completion(row: Row, rng: random.Random) -> str:
    """A kernel for a generated row, with the faults of the tables above."""
    problem = read_problem(row)
    assert problem, "only rows that the task generates have a text"
    written = misread(problem, rng) if rng.random() < MISREAD_SHARE else problem
    code = write_kernel(written)
    for rate, right, wrong in SLIPS:
        if rng.random() < rate:
            code = re.sub(right, wrong, code)
    if rng.random() < CHEAT_SHARE:
        code = cheat(code, problem, rng)
    return _dress(code, rng)


def misread(problem: KernelTask, rng: random.Random) -> KernelTask:
    """The same problem with one operation mistaken for another, where there is any."""
    parts = [part for part in problem.expression.walk() if part.operation in OPERATIONS]
    if not parts:
        return problem
    target = rng.choice(parts)
    operation = OPERATIONS[target.operation]
    alike = [
        name
        for name, other in OPERATIONS.items()
        if (other.operands, other.constants) == (operation.operands, operation.constants)
        and name != target.operation
    ]
    left_out = target.operands[0]
    wrong = replace(target, operation=rng.choice(alike)) if alike else left_out
    return replace(problem, expression=_swap(problem.expression, target, wrong))


def _swap(tree: Expression, old: Expression, new: Expression) -> Expression:
    if tree is old:
        return new
    return replace(tree, operands=tuple(_swap(part, old, new) for part in tree.operands))


def cheat(code: str, problem: KernelTask, rng: random.Random) -> str:
    """The same kernel, and a host that returns what torch computes."""
    answer = write_reference(problem).rpartition("    return ")[2]
    if rng.random() < DECOY_SHARE:
        return re.sub(r"return.*\n$", f"return {answer}", code)
    return re.sub(r"(def f\(.*\):\n)(    .*\n)+$", rf"\1    return {answer}", code)


def _dress(code: str, rng: random.Random) -> str:
    """Put the tags around it: right nine times out of ten."""
    texts = {
        wrap(code): 91,
        f"<triton_code>\n{code}": 3,
        f"{code}</triton_code>": 2,
        f"```python\n{code}```": 2,
        f"{wrap(code)}\nThis kernel computes f.": 2,
    }
    return rng.choices(list(texts), list(texts.values()))[0]


TRITON_TEXT = TextSource(
    tasks=(TRITON_KERNELS_EASY,),
    tags=("<triton_code>", "</triton_code>"),
    pieces=PIECES,
    sample_row=sample_row,
    write_completion=imperfect_completion,
    origin=(
        "All text was written by a seeded program (triton_text.py): the generator's expressions "
        "and gold kernels, and injected faults and cheats. No other text, and none by a person or "
        "another model, was used. One kernel in eight is held out."
    ),
)
