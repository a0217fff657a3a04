"""Jailed program: load a candidate's code, and call its function with one test's arguments.

It knows no expected values, and believes nothing of what it calls. Every call gets arguments that
were decoded for it alone, so changing them changes nothing else.
"""

import sys
import types
from typing import Any

from rft_core.sandbox.programs.candidate_code import compile_candidate, import_libraries

__all__ = ["import_libraries", "load", "run"]


def load(source: str, entry_point: str) -> None:
    """Run the module level; raise unless it defines a function of that name."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module  # dataclasses and pickling look the module up
    exec(compile_candidate(source), module.__dict__)  # noqa: S102 -- the whole point
    if not callable(module.__dict__.get(entry_point)):
        raise NameError(f"it defines no function named '{entry_point}'")


def run(entry_point: str, arguments: list[Any]) -> Any:
    return sys.modules["candidate"].__dict__[entry_point](*arguments)
