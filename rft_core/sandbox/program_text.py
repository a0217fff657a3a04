"""The texts of `programs/`, each made whole for a jailed process, which can import none of them.

What a program imports from its neighbours is found by its syntax tree and put in front of it. All
imports from this package go, so names keep their own in them (no `as`); `CANDIDATE` is among a
program's globals as it is.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

from rft_core.sandbox.flavours import Flavour
from rft_core.sandbox.provider import Program

PACKAGE = "rft_core"
PROGRAMS = Path(__file__).with_name("programs")


@cache
def read_program(name: str, flavour: Flavour = Flavour.PYTHON) -> Program:
    """The program in the file of that name, ready to run."""
    texts: dict[str, str] = {}
    _collect(name, texts)
    return Program(flavour, "\n".join(texts.values()))


def _collect(name: str, texts: dict[str, str]) -> None:
    """Add a file's text without its imports from here, below the texts that it needs."""
    if name in texts:
        return
    text = (PROGRAMS / f"{name}.py").read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ImportFrom):
            continue
        package, _, neighbour = (node.module or "").rpartition(".")
        if package.partition(".")[0] == PACKAGE:
            last = node.end_lineno or node.lineno
            lines[node.lineno - 1 : last] = [""] * (last - node.lineno + 1)
        if package == f"{PACKAGE}.sandbox.{PROGRAMS.name}":
            _collect(neighbour, texts)
    texts[name] = "\n".join(lines)
