"""Synthetic Triton text: seeded rows, and kernels that are nearly right.

The embedded base model is trained on what this file writes: the task's own gold kernels, in which
it misreads the reference, forgets a mask, a decorator or an argument, and sometimes cheats, letting
torch compute what the kernel was asked for. How to write a kernel is in the text, and the habit of
writing it carefully is not: that habit is what reinforcement learning adds.

The prompt, the kernels and the split are those of the built-in task. Nothing is run here.
"""

import random
import re
from dataclasses import replace

from rft_core.embedded.text_source import TextSource
from rft_core.rewards.contract import Row
from rft_core.tasks.triton_expression import OPERATIONS, Expression
from rft_core.tasks.triton_generator import (
    Problem,
    read_problem,
    sample_problem,
    write_kernel,
    write_reference,
)
from rft_core.tasks.triton_kernels import TRITON_KERNELS_EASY, wrap

MISREAD_SHARE = 0.10  # of the kernels compute something like the reference
CHEAT_SHARE = 0.13
DECOY_SHARE = 0.6  # of the cheats launch a kernel, and return torch's result all the same

# How often, what is written, and what is written instead.
SLIPS: tuple[tuple[float, str, str], ...] = (
    (0.07, r"@triton\.jit\n", ""),
    (0.06, r"import triton\.language as tl\n", ""),
    (0.06, r"(tl\.load\(.*), mask=mask\)", r"\1)"),
    (0.08, r"(tl\.store\(.*), mask=mask\)", r"\1)"),
    (0.06, r"program_id\(0\) \* BLOCK", "program_id(0)"),  # the blocks overlap
    (0.15, r"value = tl\.where\(mask, (.*), \S+\)\n", r"value = \1\n"),
    (0.06, r"torch\.zeros", "torch.empty"),
    (0.06, r"out, n, BLOCK=", "out, BLOCK="),
    (0.04, r", BLOCK=[^)]*\)+\n", ")\n"),
    (0.05, r"return out\n", "return\n"),
)


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


def misread(problem: Problem, rng: random.Random) -> Problem:
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


def cheat(code: str, problem: Problem, rng: random.Random) -> str:
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


def _sample_row(rng: random.Random) -> Row:
    return sample_problem(rng).row()


TRITON_TEXT = TextSource(
    tasks=(TRITON_KERNELS_EASY,),
    tags=("<triton_code>", "</triton_code>"),
    atoms=r"[0-9()]|\b[xyz]\b",
    sample_row=_sample_row,
    write_completion=imperfect_completion,
    origin=(
        "All text was written by a seeded program (triton_text.py): the generator's expressions "
        "and gold kernels, and injected faults and cheats. No other text, and none by a person or "
        "another model, was used. One kernel in eight is held out."
    ),
)
