"""What the reading of a Triton program's host functions has found out so far.

The functions are read again and again until nothing new is found; this is the notebook in which
each reading adds to what the others know.
"""

from __future__ import annotations

import ast
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from rft_core.rewards.triton.source import Finding, KernelSource

Function = ast.FunctionDef | ast.Lambda
Key = tuple[str, str]  # the top-level function it stands in ("" for those themselves), and a name


class Kind(IntEnum):
    """What a value may be, from harmless to not. A container is what is in it."""

    PLAIN = 0
    ARGUMENTS = 1  # a launch's arguments by name, as Triton gives them to a grid function
    WHOLE = 2  # a tensor of whole numbers or bools, for sure
    TENSOR = 3
    VIEW = 4  # a tensor whose data may stand in another order than it was made in

    @property
    def is_tensor(self) -> bool:
        return self >= Kind.WHOLE


@dataclass(frozen=True)
class Movement:
    """What the reference is, where it computes nothing: then to do the same is computing."""

    moves_data: bool = False  # puts it in another order or place
    changes_type: bool = False


class Program:
    """One program and what may be in its names. Kinds only ever grow, so that readings end."""

    def __init__(self, source: KernelSource, task: Movement) -> None:
        self.source = source
        self.task = task
        self.functions: dict[Key, Function] = {("", name): f for name, f in source.hosts.items()}
        self.inputs: dict[tuple[Key, str], Kind] = {}
        self.results: dict[Key, tuple[Kind, ...]] = {}
        self.kernel_inputs: dict[str, Kind] = {}
        self.ever: dict[Key, Kind] = {}  # of local names
        self.launches: dict[Key, tuple[str, ast.expr]] = {}  # names for a kernel and its grid
        self.findings: list[Finding] = []
        self.changed = False

    def report(self, flag: str, node: ast.AST, reason: str) -> None:
        self.findings.append(Finding(flag, getattr(node, "lineno", 1), reason))

    def widen(self, known: dict[Any, Kind], key: Hashable, kind: Kind) -> None:
        """Remember that `key` may also be `kind`."""
        if key not in known or kind > known[key]:
            known[key] = kind
            self.changed = True

    def find_function(self, owner: str, name: str) -> Key | None:
        """The function that a name means inside the top-level function `owner`."""
        return next((key for key in ((owner, name), ("", name)) if key in self.functions), None)

    def add_function(self, key: Key, function: Function) -> None:
        """An inner function or a named lambda; one name for two of them is not followed."""
        if self.functions.setdefault(key, function) is not function:
            self.report("rebinding", function, f"{key[1]} is defined more than once.")

    def add_result(self, key: Key, kinds: Sequence[Kind]) -> None:
        """One `return`: a kind for each element of a tuple, else a single one."""
        known = self.results.get(key)
        joined: tuple[Kind, ...] = (max((*(known or ()), *kinds)),)
        if not known or len(known) == len(kinds):
            joined = tuple(map(max, zip(known or kinds, kinds, strict=True)))
        if joined != known:
            self.results[key] = joined
            self.changed = True
