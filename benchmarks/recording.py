"""What it costs to record a step of 64 completions and its metrics: ours beside other trackers.

    python -m pip install --target /tmp/trackers trackio tensorboard mlflow
    python benchmarks/recording.py --trackers /tmp/trackers [--steps 100] [--pairs 7]

The others are no part of this project, so they live in a folder of their own, which is looked in
last: what the project has installed is used in its own versions. Those that are missing are named.

All record the same steps (`recorded_steps.py`): metrics, and of each completion prompt, text,
scores, reasons, reward, advantage, lengths and flags. A turn is a new run of `--steps` steps; the
arms take turns in an order that is reversed each time. CPU time is the whole process's, threads and
closing included; wall time is that of the call that records, which may leave work to a thread.
What each tracker can do with what it has recorded is told in `trackers.py`.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    publish,
)
from benchmarks.recorded_steps import COMPLETIONS, RecordedStep, make_steps  # noqa: E402
from benchmarks.trackers import OURS, TRACKERS, Tracker  # noqa: E402


@dataclass(frozen=True)
class RecordedTurn:
    """CPU milliseconds a step, closing included, and the wall time of each call, in the same."""

    cpu: float
    calls: Sequence[float]

    @property
    def wall(self) -> float:
        return statistics.median(self.calls)


def open_trackers(folder: Path) -> tuple[dict[str, Tracker], list[str]]:
    """Those that can be imported, and a line for each that cannot."""
    found: dict[str, Tracker] = {}
    missing = []
    for at, (name, make) in enumerate(TRACKERS.items()):
        try:
            found[name] = make(folder / str(at))
        except ImportError as error:
            missing.append(f"{name}: not measured ({error}). See `--help` for how to install it.")
    return found, missing


def record_turn(tracker: Tracker, turn: int, steps: Sequence[RecordedStep]) -> RecordedTurn:
    tracker.begin(turn)
    calls = []
    cpu = time.process_time()
    for number, step in enumerate(steps, 1):
        started = time.perf_counter()
        tracker.record(number, step)
        calls.append(1e3 * (time.perf_counter() - started))
    tracker.end()
    return RecordedTurn(1e3 * (time.process_time() - cpu) / len(steps), calls)


def measure(
    trackers: dict[str, Tracker], steps: Sequence[RecordedStep], pairs: int
) -> dict[str, list[RecordedTurn]]:
    """`pairs` turns of each, after a turn that is not counted."""
    turns: dict[str, list[RecordedTurn]] = {name: [] for name in trackers}
    for turn in range(pairs + 1):
        for name in trackers if turn % 2 else reversed(list(trackers)):
            with redirect_stdout(sys.stderr):  # trackio greets
                done = record_turn(trackers[name], turn, steps)
            if turn:
                turns[name].append(done)
            gc.collect()  # nobody pays for what another left behind
    return turns


def describe_turns(turns: dict[str, list[RecordedTurn]], folder: Path, recorded: int) -> list[str]:
    lines = [
        f"| | CPU ms a step | x {OURS} | call, wall ms | x {OURS} | slowest call | bytes each |",
        "|---|---|---|---|---|---|---|",
    ]
    ours = turns[OURS]
    for name, theirs in turns.items():
        cpu = [[turn.cpu for turn in arm] for arm in (theirs, ours)]
        wall = [[turn.wall for turn in arm] for arm in (theirs, ours)]
        place = folder / str(list(TRACKERS).index(name))
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) / recorded
        lines.append(
            f"| {name} | {describe(cpu[0], '.2f')} | {describe_ratio(*cpu)} "
            f"| {describe(wall[0], '.2f')} | {describe_ratio(*wall)} "
            f"| {max(max(turn.calls) for turn in theirs):.0f} | {size:,.0f} |"
        )
    return lines


def list_versions() -> str:
    found = []
    for package in ("trackio", "tensorboard", "mlflow"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trackers", type=Path, help="the folder that the others are installed in")
    parser.add_argument("--steps", type=int, default=100, help="of a turn")
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    if options.trackers:
        sys.path.append(str(options.trackers))
    steps = make_steps(options.steps)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        trackers, missing = open_trackers(folder)
        gc.collect()
        gc.freeze()  # the steps to record are no garbage to look through while they are recorded
        turns = measure(trackers, steps, options.pairs)
        recorded = COMPLETIONS * options.steps * (options.pairs + 1)
        table = describe_turns(turns, folder, recorded)
    head = (
        f"# Recording {COMPLETIONS} completions and {len(steps[0].metrics)} metrics a step\n\n"
        f"{describe_setting()}; {list_versions()}\n\n"
        f"`{describe_command(sys.argv)}`: runs of {options.steps} "
        f"steps, medians (min-max) of {options.pairs} turns each; x {OURS}: how many times ours, "
        "turn by turn.\n"
    )
    publish("recording", "\n".join([head, *table, *(f"\n{line}" for line in missing)]))


if __name__ == "__main__":
    main()
