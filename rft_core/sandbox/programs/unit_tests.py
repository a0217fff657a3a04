"""Jailed program: load a candidate's code, and call its function with one test's arguments.

It knows no expected values, and believes nothing of what it calls. Every call gets arguments that
were decoded for it alone, so changing them changes nothing else.
"""

import sys
import types
from collections.abc import Iterator
from itertools import islice
from typing import Any

from rft_core.sandbox.programs.candidate_code import (
    compile_candidate,
    give_whole_depth,
    import_libraries,
)

__all__ = ["call", "import_libraries", "load", "run"]
MOST_ITEMS = 100_000  # of what a generator gives


def load(source: str, entry_point: str) -> None:
    """Run the module level; raise unless it defines a function of that name."""
    module = types.ModuleType("candidate")
    sys.modules["candidate"] = module  # dataclasses and pickling look the module up
    give_whole_depth()
    exec(compile_candidate(source), module.__dict__)  # noqa: S102 -- the whole point
    if not callable(module.__dict__.get(entry_point)):
        raise NameError(f"it defines no function named '{entry_point}'")


def run(entry_point: str, arguments: list[Any]) -> Any:
    return sys.modules["candidate"].__dict__[entry_point](*arguments)


def call(entry_point: str, arguments: list[Any], keywords: dict[str, Any]) -> dict[str, Any]:
    """{"value", "truth", "arguments"}: also whether it is true, and what became of the arguments.

    Of an iterator, which could not be sent, "items" stand for the value.
    """
    value = sys.modules["candidate"].__dict__[entry_point](*arguments, **keywords)
    if isinstance(value, Iterator):
        return {"items": list(islice(value, MOST_ITEMS)), "truth": True, "arguments": arguments}
    return {"value": value, "truth": find_truth(value), "arguments": arguments}


def find_truth(value: Any) -> bool | None:
    """None where it has none, as an array of several numbers."""
    try:
        return bool(value)
    except Exception:
        return None
