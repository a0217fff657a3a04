"""The functions that the built-in rows of python_code ask for, with what they are defined for.

Each is its own reference: the docstring is the task, the body the gold answer, and what it returns
what a test expects. `inputs` describes one argument per parameter, as told in
`rewards/code/random_inputs.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rft_core.tasks.python_functions.lists import LIST_FUNCTIONS
from rft_core.tasks.python_functions.numbers import NUMBER_FUNCTIONS
from rft_core.tasks.python_functions.texts import TEXT_FUNCTIONS

Function = Callable[..., Any]
Inputs = list[dict[str, Any]]

FUNCTIONS: dict[Function, Inputs] = {**NUMBER_FUNCTIONS, **TEXT_FUNCTIONS, **LIST_FUNCTIONS}
