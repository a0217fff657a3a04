"""Twenty seeded steps by this checkout and by another one: the largest difference of each metric.

    python benchmarks/seeded_equality.py /path/to/other/checkout [--steps 20] [--set KEY=VALUE]

Both train `countdown` with seed 0 as two processes of their own, one after the other, each on its
own code. Prints, for every metric of training and validation, the largest absolute difference over
the first five steps and over all, and which metrics only one of the two has. Exit code 1 if any
differs by more than 1e-4 in the first five steps.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FIRST = 5
TOLERANCE = 1e-4
CLOCKS = ("step_time",)

Metrics = dict[tuple[str, int, str], float]  # (split, step, name) -> value


def train(checkout: Path, runs: Path, settings: list[str]) -> Metrics:
    """The metrics of one run of that checkout's code, read without any of it."""
    assignments = [word for setting in settings for word in ("--set", setting)]
    subprocess.run(
        [sys.executable, "-m", "rft_core", "train", "--task", "countdown", *assignments],
        cwd=checkout, check=True, stdout=subprocess.DEVNULL,
        env={**os.environ, "RFT_RUNS_DIR": str(runs), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    (path,) = runs.glob("*/run.db")
    with sqlite3.connect(path) as db:
        rows = db.execute("SELECT split, step, name, value FROM metrics").fetchall()
    return {(split, step, name): value for split, step, name, value in rows if name not in CLOCKS}


def compare(ours: Metrics, theirs: Metrics) -> float:
    """Print a line per metric; the largest difference over the first steps."""
    print(f"{'metric':40}{'first ' + str(FIRST):>12}{'all':>12}  points")
    worst = 0.0
    for name in sorted({key[2] for key in ours | theirs}):
        both = [key for key in ours if key in theirs and key[2] == name]
        alone = sum(key[2] == name for key in ours.keys() ^ theirs.keys())
        early = max((abs(ours[k] - theirs[k]) for k in both if k[1] <= FIRST), default=0.0)
        late = max((abs(ours[k] - theirs[k]) for k in both), default=0.0)
        worst = max(worst, early)
        only = f"  {alone} in one of them only" if alone else ""
        print(f"{name:40}{early:12.2e}{late:12.2e}  {len(both)}{only}")
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path, help="another checkout of this project")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = ["seed=0", f"max_steps={options.steps}", "eval_steps=10", "save_steps=0"]
    with tempfile.TemporaryDirectory(
        ignore_cleanup_errors=True
    ) as folder:  # a supervisor may live on
        ours, theirs = (
            train(checkout.resolve(), Path(folder) / name, settings + options.set)
            for name, checkout in (("ours", ROOT), ("theirs", options.checkout))
        )
    worst = compare(ours, theirs)
    print(f"largest difference in the first {FIRST} steps: {worst:.2e} (at most {TOLERANCE:.0e})")
    return int(worst > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
