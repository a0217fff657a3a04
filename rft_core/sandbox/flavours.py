"""The kinds of fork server: what each has imported before it forks, and what its children may use.

The Triton interpreter and the Triton compiler exclude each other within one process, so each has a
server of its own. `warm_up.py` does the importing; this file knows only names and numbers.
"""

from __future__ import annotations

import ast
from enum import StrEnum

from rft_core.sandbox.jail.limits import Limits


class Flavour(StrEnum):
    PYTHON = "python"
    INTERPRETER = "triton_interpreter"  # torch, and Triton kernels run as Python on CPU tensors
    COMPILER = "triton_compiler"  # torch, and Triton compiles, as far as PTX


GIB = 1 << 30
LIMITS = {
    Flavour.PYTHON: Limits(memory_bytes=2 * GIB),
    Flavour.INTERPRETER: Limits(memory_bytes=3 * GIB),  # address space: torch alone maps 0.8 GiB
    Flavour.COMPILER: Limits(memory_bytes=3 * GIB),
}
ENVIRONMENT = {
    Flavour.PYTHON: {},
    Flavour.INTERPRETER: {"TRITON_INTERPRET": "1"},  # only counts before the import
    Flavour.COMPILER: {},
}
NEED_TORCH = {"torch", "triton", "transformers", "peft", "accelerate"}


def choose_flavour(source: str) -> Flavour:
    """The server that has already imported what the source would wait for."""
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Flavour.PYTHON  # it will not run anywhere
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    needs_torch = NEED_TORCH & {name.split(".")[0] for name in names}
    return Flavour.INTERPRETER if needs_torch else Flavour.PYTHON
