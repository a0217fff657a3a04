"""Seeded kernels to write: elementwise expressions and row reductions, with their gold kernels.

A problem is a reference in PyTorch, the shapes of its inputs and, written from the same tree, a
Triton kernel that computes it. The key of the reference alone decides the split.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rft_core.errors import BadInputError
from rft_core.tasks.splits import choose_split
from rft_core.tasks.task import Rows
from rft_core.tasks.triton.examples import EXAMPLES
from rft_core.tasks.triton.expression import (
    Expression,
    apply,
    make_input,
    make_number,
    read_torch,
    write_torch,
    write_triton,
)
from rft_core.tasks.triton.reference import make_key
from rft_core.types import Row

NAMES = ("x", "y", "z")
JOINS = ("add", "sub", "mul", "maximum", "minimum")
CHANGES = ("relu", "abs", "exp", "sigmoid", "square", "clamp", "scale", "shift")
ON_INPUTS_ONLY = ("exp", "square")  # nested, they overflow or have to be written out twice
FACTORS = ("0.1", "0.5", "1.5", "2.0", "3.0")
BOUNDS = (("0.0", "1.0"), ("-1.0", "1.0"), ("-2.0", "2.0"))
REDUCTIONS: Mapping[str, str] = {"sum": "0.0", "mean": "0.0", "amax": "-float('inf')"}
REDUCTION_SHARE = 0.2
ROWS_OF_A_MATRIX = (2, 3, 4, 5)
MISSES_BEFORE_GIVING_UP = 200  # in a row
_CHOSEN = {make_key(each.row): split for split, some in EXAMPLES.items() for each in some}


@dataclass(frozen=True)
class KernelTask:
    """One function to rewrite. `reduction` is "" or what is done along the last axis."""

    expression: Expression
    reduction: str = ""
    shape: tuple[int | str, ...] = ("n",)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs, in the order in which `f` takes them."""
        return tuple(name for name in NAMES if name in self.expression.input_names)

    def row(self) -> dict[str, Any]:
        """The row as the task declares it."""
        each = {"shape": list(self.shape), "dtype": "float32"}
        return {"reference": write_reference(self), "inputs": [dict(each) for _ in self.inputs]}


def sample_problem(rng: random.Random, split: str = "train") -> KernelTask:
    """One problem whose kernel belongs to `split`."""
    while True:
        problem = _sample_any(rng)
        if _find_split(write_reference(problem)) == split:
            return problem


def write_reference(problem: KernelTask) -> str:
    """The PyTorch source of `f`."""
    value = write_torch(problem.expression)
    if problem.reduction:
        value = f"torch.{problem.reduction}({value}, dim=-1)"
    return f"import torch\n\ndef f({', '.join(problem.inputs)}):\n    return {value}\n"


def read_problem(row: Row) -> KernelTask | None:
    """The problem of which this is the row, or None for a row that was not drawn here."""
    text = row["reference"].strip().rpartition("    return ")[2]
    reduction = next((name for name in REDUCTIONS if text.startswith(f"torch.{name}(")), "")
    if reduction:
        text = text.removeprefix(f"torch.{reduction}(").removesuffix(", dim=-1)")
    expression = read_torch(text)
    if expression is None or not expression.input_names <= set(NAMES) or not row["inputs"]:
        return None
    problem = KernelTask(expression, reduction, tuple(row["inputs"][0]["shape"]))
    same = all(problem.row()[column] == row[column] for column in ("reference", "inputs"))
    return problem if same else None


def write_kernel(problem: KernelTask) -> str:
    """The Python source of a right and short Triton rewrite: one kernel, and `f` to launch it."""
    names = problem.inputs
    pointers = ", ".join(f"{name}_ptr" for name in names)
    value = write_triton(problem.expression)
    if problem.reduction:
        body, host = _write_reduction(problem, value), _REDUCTION_HOST
    else:
        body, host = _ELEMENTWISE_BODY.format(loads=_loads(names, "i"), value=value), _HOST
    return (
        "import torch\nimport triton\nimport triton.language as tl\n\n@triton.jit\n"
        f"def kernel({pointers}, out_ptr, n, BLOCK: tl.constexpr):\n{body}\n"
        f"def f({', '.join(names)}):\n{host.format(first=names[0], arguments=', '.join(names))}"
    )


def bucket(key: str) -> str:
    """The split to which every row with this key belongs; the hand-written ones have chosen."""
    if key in _CHOSEN:
        return _CHOSEN[key]
    return choose_split(key)


def make_rows(split: str, count: int, seed: int) -> Rows:
    """`count` different problems of one split, as rows."""
    rng = random.Random(f"triton {split} {seed}")
    rows: dict[str, dict[str, Any]] = {}
    misses = 0
    while len(rows) < count:
        row = sample_problem(rng, split).row()
        misses = misses + 1 if row["reference"] in rows else 0
        if misses > MISSES_BEFORE_GIVING_UP:
            why = f"{len(rows):,} were found"
            raise BadInputError("There are not so many different kernels", why, "Ask for fewer")
        rows.setdefault(row["reference"], row)
    return list(rows.values())


@lru_cache(maxsize=20_000)
def _find_split(reference: str) -> str:
    """Simple problems are drawn again and again."""
    return bucket(make_key({"reference": reference}))


_ELEMENTWISE_BODY = """\
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    mask = i < n
{loads}    tl.store(out_ptr + i, {value}, mask=mask)
"""
_REDUCTION_BODY = """\
    row = tl.program_id(0)
    i = tl.arange(0, BLOCK)
    mask = i < n
{loads}    value = tl.where(mask, {value}, {filler})
    tl.store(out_ptr + row, {result})
"""
_HOST = """\
    out = torch.zeros_like({first})
    n = out.numel()
    kernel[(triton.cdiv(n, 256),)]({arguments}, out, n, BLOCK=256)
    return out
"""
_REDUCTION_HOST = """\
    m, n = {first}.shape
    out = torch.zeros(m, device={first}.device)
    kernel[(m,)]({arguments}, out, n, BLOCK=triton.next_power_of_2(n))
    return out
"""


def _write_reduction(problem: KernelTask, value: str) -> str:
    filler = REDUCTIONS[problem.reduction]
    result = {
        "sum": "tl.sum(value, 0)", "mean": "tl.sum(value, 0) / n", "amax": "tl.max(value, 0)",
    }[problem.reduction]  # fmt: skip
    loads = _loads(problem.inputs, "row * n + i")
    return _REDUCTION_BODY.format(loads=loads, value=value, filler=filler, result=result)


def _loads(names: tuple[str, ...], offset: str) -> str:
    return "".join(f"    {name} = tl.load({name}_ptr + {offset}, mask=mask)\n" for name in names)


def _sample_any(rng: random.Random) -> KernelTask:
    reduction = rng.choice(list(REDUCTIONS)) if rng.random() < REDUCTION_SHARE else ""
    inputs = rng.choices((1, 2, 3), (3, 5, 0 if reduction else 2))[0]
    changes = rng.randint(1 if inputs == 1 and not reduction else 0, 1 if inputs == 3 else 2)
    expression = _sample_expression(rng, inputs, changes - bool(reduction and changes))
    matrix = reduction or rng.random() < 0.2
    shape = (rng.choice(ROWS_OF_A_MATRIX), "n") if matrix else ("n",)
    return KernelTask(expression, reduction, shape)


def _sample_expression(rng: random.Random, inputs: int, changes: int) -> Expression:
    """Every input once, joined two by two, with so many changes of single parts in between."""
    parts = [make_input(name) for name in NAMES[:inputs]]
    moves = ["join"] * (inputs - 1) + ["change"] * changes
    rng.shuffle(moves)
    for move in moves:
        if move == "join":
            second = parts.pop(rng.randrange(1, len(parts)))
            first = parts.pop(rng.randrange(len(parts)))
            parts.append(apply(rng.choice(JOINS), first, second))
        else:
            index = rng.randrange(len(parts))
            parts[index] = _change(rng, parts[index])
    return parts[0]


def _change(rng: random.Random, part: Expression) -> Expression:
    allowed = [
        change
        for change in CHANGES
        if change != part.operation and (not part.operands or change not in ON_INPUTS_ONLY)
    ]
    change = rng.choice(allowed)
    if change == "clamp":
        return apply(change, part, *map(make_number, rng.choice(BOUNDS)))
    if change in ("scale", "shift"):
        return apply(change, part, make_number(rng.choice(FACTORS)))
    return apply(change, part)
