"""Python code: write a function that passes tests, most of which the prompt does not show.

The built-in rows ask for the functions of `python_functions/`. The name of a function alone decides
whether its rows are for training, validation or the held-out test; the arguments of the tests are
drawn from a seed, so that a function has many rows. Uploads have the same columns: without a
`reference` there is no gold answer, and without `inputs` beside it no random case.
"""

from __future__ import annotations

import hashlib
import inspect
import random
from collections.abc import Hashable
from typing import Any

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.code.random_inputs import draw_input
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.tasks.cheats import python_cheats
from rft_core.tasks.python_functions import FUNCTIONS, Function
from rft_core.tasks.task import Rows, Task
from rft_core.types import Row

NUM_TESTS, NUM_HIDDEN_TESTS = 3, 5
SPLITS = {3: "validation", 4: "held_out"}  # of eight buckets by hash; the others are for training
MISSES_BEFORE_GIVING_UP = 200

USER_TEMPLATE = """\
{{ prompt }}
The function is called `{{ entry_point }}`.{% if tests %} It passes tests such as{% endif %}
{% for test in tests %}{% if test is string %}{{ test }}{% else %}\
assert {{ entry_point }}({{ (test[0] | string)[1:-1] }}) == {{ ([test[1]] | string)[1:-1] }}\
{% endif %}
{% endfor %}\
Think in <think> </think> tags, and return all the code in <answer> </answer> tags."""


def make_rows(split: str, count: int, seed: int) -> Rows:
    """`count` different rows of one split, its functions in turn."""
    rng = random.Random(f"python_code {split} {seed}")
    functions = [function for function in FUNCTIONS if bucket(function.__name__) == split]
    rng.shuffle(functions)
    return [_make_row(rng, functions[number % len(functions)]) for number in range(count)]


def bucket(name: str) -> str:
    """The split to which all rows of this function belong."""
    return SPLITS.get(hashlib.sha256(name.encode()).digest()[0] % 8, "train")


def write_gold(row: Row) -> str | None:
    """The reference as the answer, where the row has one."""
    if not row.get("reference"):
        return None
    thought = f"I write {row['entry_point']} so that it does what is asked for every input."
    code = row["reference"].strip()
    return f"<think>{thought}</think>\n<answer>\n```python\n{code}\n```\n</answer>"


def make_key(row: Row) -> Hashable:
    """What is asked; rows with other tests of the same function are too much alike."""
    return row["entry_point"], row["prompt"]


def _make_row(rng: random.Random, function: Function) -> dict[str, Any]:
    source = inspect.getsource(function)
    header = source.partition(":\n")[0]
    tests = _draw_tests(rng, function)
    return {
        "prompt": f"Write the function `{header}`. {' '.join((function.__doc__ or '').split())}",
        "entry_point": function.__name__,
        "tests": tests[:NUM_TESTS],
        "hidden_tests": tests[NUM_TESTS:],
        "reference": source,
        "inputs": FUNCTIONS[function],
    }


def _draw_tests(rng: random.Random, function: Function) -> list[list[Any]]:
    """[arguments, expected] pairs of different arguments, with different results among the hidden.

    A constant would otherwise pass them all.
    """
    for _ in range(MISSES_BEFORE_GIVING_UP):
        drawn = [
            [draw_input(rng, spec) for spec in FUNCTIONS[function]]
            for _ in range(NUM_TESTS + NUM_HIDDEN_TESTS)
        ]
        tests = [[arguments, function(*arguments)] for arguments in drawn]
        hidden = {repr(expected) for _, expected in tests[NUM_TESTS:]}
        if len(set(map(repr, drawn))) == len(drawn) and len(hidden) > 1:
            return tests
    raise BadInputError(f"'{function.__name__}' has too few different inputs to draw tests from")


PYTHON_CODE = Task(
    name="python_code",
    title="Python code",
    description="Write a function that passes visible, hidden and randomised tests.",
    fields=(
        RowField("prompt", "text"),
        RowField("entry_point", "text"),
        RowField("tests", "list", may_be_empty=True),  # they may all be hidden
        RowField("hidden_tests", "list", required=False),
        RowField("reference", "text", required=False),
        RowField("inputs", "list", required=False),
    ),
    template=PromptTemplate(system="", user=USER_TEMPLATE),
    reward_set=RewardSet(
        (RewardEntry("format", "format"), RewardEntry("correctness", "unit_tests")),
        "python code",
        truth=("correctness",),
    ),
    example_row=make_rows("held_out", 1, 0)[0],
    write_gold=write_gold,
    make_rows=make_rows,
    make_key=make_key,
    cheats=python_cheats,
)
