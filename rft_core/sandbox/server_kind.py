"""The kinds of fork server: what each has imported before it forks, and what its children may use.

The Triton interpreter and the Triton compiler exclude each other within one process, so each has a
server of its own. In one more run our own graders alone, over what people and models wrote as data:
no one else's code ever shares a server with them. `warm_up.py` does the importing; this file knows
only names and numbers.
"""

from __future__ import annotations

import ast
import sys
from enum import StrEnum
from functools import lru_cache

from rft_core.sandbox.jail.limits import Limits


class ServerKind(StrEnum):
    PYTHON = "python"
    INTERPRETER = "triton_interpreter"  # torch, and Triton kernels run as Python on CPU tensors
    COMPILER = "triton_compiler"  # torch, and Triton compiles, as far as PTX
    GRADERS = "graders"  # trusted: runs where nothing can be locked in, too


GIB = 1 << 30
LIMITS = {
    ServerKind.PYTHON: Limits(memory_bytes=2 * GIB),
    ServerKind.INTERPRETER: Limits(memory_bytes=3 * GIB),  # address space: torch maps 0.8 GiB
    ServerKind.COMPILER: Limits(memory_bytes=3 * GIB),
    ServerKind.GRADERS: Limits(memory_bytes=2 * GIB),
}
OFFLINE = {"HF_HUB_OFFLINE": "1"}  # there is no network: without it the hub is tried for minutes
ENVIRONMENT = dict.fromkeys(ServerKind, OFFLINE) | {
    ServerKind.INTERPRETER: {**OFFLINE, "TRITON_INTERPRET": "1"},  # only counts before the import
}
NEED_TORCH = {
    *("torch", "triton", "transformers", "peft", "trl", "accelerate", "sentence_transformers"),
}


def choose_kind(source: str) -> ServerKind:
    """The server that has already imported what the source would wait for."""
    needs_torch = any(name.partition(".")[0] in NEED_TORCH for name in list_imports(source))
    return ServerKind.INTERPRETER if needs_torch else ServerKind.PYTHON


def list_slow_imports(source: str) -> list[str]:
    """The libraries outside of Python's own that the source names: they may take seconds."""
    names = list_imports(source)
    return [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]


@lru_cache(maxsize=1024)
def list_imports(source: str) -> tuple[str, ...]:
    """Every module that the source names, in its functions too; none where it is not Python."""
    if "import" not in source:
        return ()
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()  # it will not run anywhere
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return tuple(name for name in dict.fromkeys(names) if name)
