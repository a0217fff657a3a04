"""Jailed program: run a candidate's program for its answer.

The answer is what its function `solution()` returns; without one, its variable `answer`, or `ans`.
Where it has neither, what it prints last counts: the parent sees that by itself. Leaving with
sys.exit() is a normal end.
"""

import linecache
import sys
import types
from typing import Any

CANDIDATE = "candidate.py"  # as the loader of programs sets it, too


def run(source: str) -> dict[str, Any]:
    """{"answer": value}, or {} where it names none."""
    linecache.cache[CANDIDATE] = (len(source), None, source.splitlines(keepends=True), CANDIDATE)
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    names = module.__dict__
    try:
        exec(compile(source, CANDIDATE, "exec", dont_inherit=True), names)  # noqa: S102
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise
    if callable(names.get("solution")):
        return {"answer": names["solution"]()}
    named = [names[name] for name in ("answer", "ans") if name in names]
    return {"answer": named[0]} if named else {}
