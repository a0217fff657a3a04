"""Sample data behind the "use sample data" buttons, and the seeded script that wrote it.

python -m rft_core.data.sample_data     rewrites samples/countdown_sample.jsonl
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

from rft_core.data.readers.prompt_file import parse_table
from rft_core.data.table import Table
from rft_core.errors import NotFoundError
from rft_core.types import Row

SAMPLES_DIR = Path(__file__).parent / "samples"
SAMPLE_FILES = {"countdown": "countdown_sample.jsonl"}

_ROWS, _SEED = 60, 20250
_CHAT_EXAMPLE = [9, 15, 74]  # stays out of training data: it is what people try in the chat


def load_sample(name: str = "countdown") -> Table:
    """The table of a sample file, exactly as if the user had uploaded it."""
    if name not in SAMPLE_FILES:
        known = ", ".join(SAMPLE_FILES)
        raise NotFoundError(
            f"There is no sample data called '{name}'", f"there is: {known}", "Name one of these"
        )
    return parse_table((SAMPLES_DIR / SAMPLE_FILES[name]).read_bytes(), SAMPLE_FILES[name])


def make_countdown_rows(count: int, seed: int) -> list[Row]:
    """Countdown rows, solvable by construction: the target is the value of an expression that
    uses each of three numbers from 1 to 99 once, and a whole number from 10 to 100.
    """
    rng = random.Random(seed)
    rows: list[Row] = []
    while len(rows) < count:
        nums = [rng.randint(1, 99) for _ in range(3)]
        target = _combine(rng, _combine(rng, Fraction(nums[0]), nums[1]), nums[2])
        if target is None or target.denominator != 1 or not 10 <= target <= 100:
            continue
        row = {"nums": rng.sample(nums, 3), "target": int(target)}
        if row not in rows and sorted(nums) != _CHAT_EXAMPLE:
            rows.append(row)
    return rows


def _combine(rng: random.Random, left: Fraction | None, right: int) -> Fraction | None:
    """`left` (+ - * /) `right`, the operator drawn by `rng`; None stays None."""
    if left is None:
        return None
    return rng.choice([left + right, left - right, left * right, left / right])


def main() -> None:
    lines = [json.dumps(row) + "\n" for row in make_countdown_rows(_ROWS, _SEED)]
    (SAMPLES_DIR / SAMPLE_FILES["countdown"]).write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
