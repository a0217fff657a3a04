"""A candidate's source, compiled so that errors and tracebacks can show its lines.

A part of the programs that run candidates.
"""

import importlib
import linecache
import sys
from contextlib import suppress
from types import CodeType

from rft_core.sandbox.inside.jailed_worker import CANDIDATE

PYTHONS_DEPTH = 1000  # of calls, for a program that runs by itself


def compile_candidate(source: str) -> CodeType:
    """Raises what `compile` raises. Triton, too, reads a kernel's source by file name and line."""
    linecache.cache[CANDIDATE] = (len(source), None, source.splitlines(keepends=True), CANDIDATE)
    return compile(source, CANDIDATE, "exec", dont_inherit=True)


def import_libraries(names: list[str]) -> None:
    """What the candidate will import, as far as it is there: loading it is not its own time."""
    for name in names:
        with suppress(Exception):  # the candidate will see it for itself
            importlib.import_module(name)


def give_whole_depth() -> None:
    """Let what the caller calls go as deep as a program that runs by itself, our calls below it."""
    depth, frame = 0, sys._getframe(1).f_back
    while frame:
        depth, frame = depth + 1, frame.f_back
    sys.setrecursionlimit(PYTHONS_DEPTH + depth + 1)
