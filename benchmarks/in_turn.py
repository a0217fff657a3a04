"""Speeds measured in turn, A B then B A, so that all arms meet the same machine; and as a table.

Figures are medians over the pairs with their range; a ratio is the median of the pairs' own ratios.
"""

from __future__ import annotations

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Turn:
    """What one arm did in one turn. `cpu`: seconds of all processes that worked for it."""

    tokens: int
    wall: float
    cpu: float

    @property
    def per_second(self) -> float:
        return self.tokens / self.wall

    @property
    def per_cpu_second(self) -> float:
        return self.tokens / self.cpu


Arm = Callable[[int], int]  # given the seed of the pair: the number of tokens that it wrote


def measure_in_turn(
    arms: dict[str, Arm], pairs: int, read_cpu: Callable[[], float] = time.process_time
) -> dict[str, list[Turn]]:
    """`pairs` turns of every arm, one seed a pair, after a turn that is not counted."""
    for arm in arms.values():
        arm(0)
    turns: dict[str, list[Turn]] = {name: [] for name in arms}
    for pair in range(pairs):
        for name in arms if pair % 2 == 0 else reversed(list(arms)):
            wall, cpu = time.perf_counter(), read_cpu()
            tokens = arms[name](pair + 1)
            turns[name].append(Turn(tokens, time.perf_counter() - wall, read_cpu() - cpu))
    return turns


def describe_ratio(ours: Sequence[float], theirs: Sequence[float]) -> str:
    return describe([a / b for a, b in zip(ours, theirs, strict=True)], ".2f", "x")


def describe(values: Sequence[float], form: str, sign: str = "") -> str:
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{sign}{middle:{form}} ({low:{form}}-{high:{form}})"


def describe_setting() -> str:
    import torch

    from rft_core.hardware import get_hardware

    return (
        f"{date.today()}, {get_hardware().describe()}, {platform.system()}, "
        f"torch {torch.__version__}, threads: {torch.get_num_threads()}, "
        f"load {os.getloadavg()[0]:.1f} at end"
    )


def describe_command(arguments: Sequence[str]) -> str:
    """What was typed, for others to type: a folder of this machine by its own name alone."""

    def shorten(argument: str) -> str:
        key, equals, value = argument.rpartition("=")
        is_folder = value.startswith(("/", ".", "~")) or Path(value).is_dir()
        return f"{key}{equals}{Path(value).resolve().name if is_folder else value}"

    return " ".join([f"python benchmarks/{Path(arguments[0]).name}", *map(shorten, arguments[1:])])


def publish(name: str, text: str) -> None:
    print(text)
    path = ROOT / "benchmarks" / "results" / f"{date.today()}-{name}.md"
    path.write_text(text + "\n", encoding="utf-8")
    print(f"\nWritten to {path.relative_to(ROOT)}", file=sys.stderr)
