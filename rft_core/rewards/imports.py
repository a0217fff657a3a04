"""Which modules a user's reward source imports that its jailed process could not find.

The jail has the libraries of this Python and not the project itself. An import that its source
guards (`try: ... except ImportError`) or keeps from running (`if TYPE_CHECKING`) is its own affair.
Nothing of the source is run.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardSet

_GUARDS = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


@dataclass(frozen=True)
class MissingModule:
    """`line` counts from 1."""

    name: str
    line: int


def refuse_missing_modules(reward_set: RewardSet) -> None:
    """Raise `BadInputError` that names the first module which is not installed, and its line."""
    for entry in reward_set.entries:
        if entry.grader != PYTHON_GRADER:
            continue
        for missing in find_missing_modules(entry.source or ""):
            raise BadInputError(
                f"The reward '{entry.name}' imports '{missing.name}' in line {missing.line}, "
                "which is not installed",
                f"It would fail at the first step. Rewards run under {sys.executable}",
                "Install the module there, or write the reward without it",
            )


def find_missing_modules(source: str) -> list[MissingModule]:
    """In the order of their lines; empty for a source that cannot be read, which others report."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    named = sorted(set(_list_imports(tree)), key=lambda found: (found.line, found.name))
    return [found for found in named if not _is_installed(found.name)]


def _list_imports(node: ast.AST) -> Iterator[MissingModule]:
    """Every module that is imported below `node`, installed or not."""
    if isinstance(node, ast.Import):
        yield from (MissingModule(alias.name, node.lineno) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        name = "." * node.level + (node.module or "")
        yield MissingModule(name, node.lineno)
    for child in _list_unguarded(node):
        yield from _list_imports(child)


def _list_unguarded(node: ast.AST) -> Iterator[ast.AST]:
    skipped = node.body if isinstance(node, ast.Try | ast.If) and _is_guard(node) else []
    yield from (child for child in ast.iter_child_nodes(node) if child not in skipped)


def _is_guard(node: ast.Try | ast.If) -> bool:
    """Whether its first block may fail to import, or is not run at all."""
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test)
    return any(map(_catches_import_errors, node.handlers))


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {part.id for part in ast.walk(handler.type) if isinstance(part, ast.Name)}
    return bool(names & _GUARDS)


def _is_installed(name: str) -> bool:
    """Whether the jail would find it; nothing is imported for that, no parent package either."""
    top, *below = name.split(".")
    if top in sys.stdlib_module_names or top in sys.builtin_module_names:
        return True
    spec = PathFinder.find_spec(top, _read_search_path()) if top else None  # "": relative
    for depth in range(1, len(below) + 1):
        if spec is None or spec.submodule_search_locations is None or _makes_modules(spec):
            break
        whole = ".".join([top, *below[:depth]])
        spec = PathFinder.find_spec(whole, list(spec.submodule_search_locations))
    return spec is not None


def _makes_modules(spec: ModuleSpec) -> bool:
    """Whether a package puts modules into place by itself, which no file is needed for."""
    if spec.origin is None:
        return False
    try:
        return "sys.modules" in Path(spec.origin).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True


@lru_cache(maxsize=1)
def _read_search_path() -> list[str]:
    """Where the jail's Python looks: without the project, `PYTHONPATH` and a user's own folder."""
    command = [sys.executable, "-I", "-c", "import json, sys; print(json.dumps(sys.path))"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if asked.returncode:
        return [path for path in sys.path if path]
    found: list[str] = json.loads(asked.stdout)
    return found
