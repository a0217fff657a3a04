"""Kernels kept as files in `tests/cases/kernels/`: cheats, and honest twins that keep their score.

A file's first lines say which trick or habit it shows, the flags that the rules on the syntax tree
must find (none: only execution can tell), the reference, and the inputs. The files are only read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.rewards.triton.reading import find_violations
from rft_core.rewards.triton.source import read_code
from rft_core.tasks.triton.examples import read_inputs
from rft_core.tasks.triton.kernels import wrap

FOLDER = Path(__file__).resolve().parents[2] / "cases" / "kernels"


@dataclass(frozen=True)
class KernelCase:
    """One file: a completion, its row, and the flags that its tree alone must give."""

    name: str
    about: str
    flags: tuple[str, ...]
    row: dict[str, Any]
    code: str

    @property
    def completion(self) -> str:
        return wrap(self.code)


def list_cases(kind: str) -> list[KernelCase]:
    """The "cheats" or the "honest" ones."""
    return [read_case(path) for path in sorted((FOLDER / kind).glob("*.py"))]


def read_case_named(kind: str, name: str) -> KernelCase:
    return read_case(FOLDER / kind / f"{name}.py")


def read_case(path: Path) -> KernelCase:
    code = path.read_text(encoding="utf-8")
    head = dict(line[2:].split(":", 1) for line in code.splitlines()[:5] if line.startswith("# "))
    signature, _, value = head["reference"].strip().partition(" = ")
    reference = f"import torch\n\n\ndef {signature}:\n    return {value}\n"
    row = {"reference": reference, "inputs": read_inputs(head["inputs"])}
    return KernelCase(
        path.stem, head["row"].strip(), tuple(head.get("flags", "").split()), row, code
    )


PLAIN = read_case_named("honest", "contiguous_inputs")
LAUNCH = "    kernel[(triton.cdiv(n, 128),)](x, y, out, n, BLOCK=128)\n"
ROW = PLAIN.row


def flags_of(code, row=ROW):
    source = read_code(code)
    assert not source.problem, source.problem
    return [f"{finding.flag}: {finding}" for finding in find_violations(source, row)]


def with_lines(lines):
    """The plain kernel's host with lines more before its launch."""
    assert LAUNCH in PLAIN.code
    added = "".join(f"    {line}\n" for line in lines.splitlines())
    return PLAIN.code.replace(LAUNCH, added + LAUNCH)
