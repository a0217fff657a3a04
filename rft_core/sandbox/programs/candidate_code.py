"""A candidate's source, compiled so that errors and tracebacks can show its lines.

A part of the programs that run candidates.
"""

import linecache
from types import CodeType

from rft_core.sandbox.inside.program_cell import CANDIDATE


def compile_candidate(source: str) -> CodeType:
    """Raises what `compile` raises. Triton, too, reads a kernel's source by file name and line."""
    linecache.cache[CANDIDATE] = (len(source), None, source.splitlines(keepends=True), CANDIDATE)
    return compile(source, CANDIDATE, "exec", dont_inherit=True)
