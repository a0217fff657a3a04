"""Hand-written kernels to write: 13 for training, and others for validation and the held-out test.

As in Predibase's experiment, 13 functions are enough to start from. Each is a text file in
`samples/`: the inputs, the PyTorch reference, and a Triton rewrite that is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "samples"
SPLITS = ("train", "validation", "held_out")
REFERENCE_MARK, GOLD_MARK = "--- reference ---\n", "--- gold ---\n"


@dataclass(frozen=True)
class Example:
    """One function, and the Python source of a kernel that computes it."""

    name: str
    row: Mapping[str, Any]
    gold: str


def read_example(path: Path) -> Example:
    """The example in a file. Its first line names the inputs: `inputs: float32[4, n] int64[7]`."""
    head, _, rest = path.read_text(encoding="utf-8").partition(REFERENCE_MARK)
    reference, _, gold = rest.partition(GOLD_MARK)
    inputs = read_inputs(head.removeprefix("inputs:"))
    return Example(path.stem, {"reference": reference, "inputs": inputs}, gold)


def read_inputs(text: str) -> list[dict[str, Any]]:
    """`float32[4, n]` as {"shape": [4, "n"], "dtype": "float32"}; several stand side by side."""
    inputs = []
    for part in text.strip().removesuffix("]").split("]"):
        dtype, _, sizes = part.strip().partition("[")
        shape = [int(size) if size.isdigit() else size for size in sizes.replace(",", " ").split()]
        inputs.append({"shape": shape, "dtype": dtype})
    return inputs


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    split: tuple(read_example(path) for path in sorted((FOLDER / split).glob("*.txt")))
    for split in SPLITS
}
