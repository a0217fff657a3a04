"""Jailed program: run a candidate's program for its answer.

The answer is what its function `solution()` returns; without one that takes nothing and returns
something, its variable `answer`, or `ans`. Where it has neither, what it prints last counts: the
parent sees that by itself. Leaving with sys.exit() is a normal end. Numbers of other libraries,
such as sympy's, are sent as Python's.
"""

import inspect
import numbers
import sys
import types
from fractions import Fraction
from typing import Any

from rft_core.sandbox.programs.candidate_code import (
    compile_candidate,
    give_whole_depth,
    import_libraries,
)

__all__ = ["import_libraries", "run"]


def run(source: str) -> dict[str, Any]:
    """{"answer": value}, or {} where it names none."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    give_whole_depth()
    try:
        exec(compile_candidate(source), names)  # noqa: S102
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise
    found = call_solution(names.get("solution"))
    named = [names[name] for name in ("answer", "ans") if name in names]
    if found is None and not named:
        return {}
    return {"answer": to_python(named[0] if found is None else found)}


def call_solution(function: Any) -> Any:
    """What it returns, or None where there is no function that can be called so."""
    if not callable(function):
        return None
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):  # it needs arguments, or hides what it takes
        return None
    return function()


def to_python(value: Any) -> Any:
    if isinstance(value, int | float):  # a subclass of the candidate's own stays what it is
        return value
    if isinstance(value, numbers.Rational):
        return Fraction(int(value.numerator), int(value.denominator))
    return float(value) if isinstance(value, numbers.Real) else value
