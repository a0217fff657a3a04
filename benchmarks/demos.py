"""A demo by this checkout beside the same demo by another one: seconds, and what was learned.

    python benchmarks/demos.py /path/to/other/checkout [countdown|triton] [--turns 1]

Each turn is the whole demo, from the command until its run has finished, in a runs folder of its
own, by that checkout's own code and in turn; afterwards each evaluates its run on held-out rows.
Both use the environment that this is run with.
"""

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_turn import describe, describe_ratio, describe_setting, publish  # noqa: E402

OTHER, OURS = "the other checkout", "this checkout"
POLL_SECONDS = 0.5
GIVE_UP_AFTER = 3600.0  # seconds


@dataclass(frozen=True)
class Demo:
    """`seconds`: from the command to the end of the run. `gain`: of pass@1, with its interval."""

    seconds: float
    base: float
    tuned: float
    gain: tuple[float, float, float]


def run_demo(checkout: Path, name: str) -> Demo:
    with tempfile.TemporaryDirectory() as runs:
        started = time.time()
        run = call(checkout, runs, "demo", name)["run"]
        seconds = await_end(Path(runs) / run / "run.db") - started
        rows = call(checkout, runs, "evaluate", run, "--prompts", "200", "--k", "4")["rows"]
        base, tuned = rows
        gain = (tuned["difference"], *tuned["difference_ci"])
        return Demo(seconds, base["pass@1"], tuned["pass@1"], gain)


def await_end(path: Path) -> float:
    """When the run's first and only attempt ended; read without any checkout's code."""
    started = time.time()
    while time.time() - started < GIVE_UP_AFTER:
        time.sleep(POLL_SECONDS)
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db,
        ):
            row = db.execute("SELECT ended_at, outcome FROM attempts").fetchone()
            if row and row[0]:
                assert row[1] == "finished", row[1]
                return float(row[0])
    raise SystemExit(f"The run has not ended in {GIVE_UP_AFTER:.0f} s")


def call(checkout: Path, runs: str, *words: str) -> Any:
    """The JSON document of that checkout's command."""
    done = subprocess.run(
        [sys.executable, "-m", "rft_core", *words, "--json"], cwd=checkout, check=True, text=True,
        capture_output=True, env={**os.environ, "RFT_RUNS_DIR": runs, "PYTHONPATH": ""},
    )  # fmt: skip
    return json.loads(done.stdout)


def tabulate(demos: dict[str, list[Demo]]) -> Iterator[str]:
    yield "| | seconds | base | tuned | gain in pass@1, last turn |"
    yield "|---|---|---|---|---|"
    for arm, turns in demos.items():
        seconds = describe([turn.seconds for turn in turns], ".1f")
        base, tuned = (
            describe([getattr(turn, what) for turn in turns], ".1%") for what in ("base", "tuned")
        )
        gain = "{:+.1%} ({:.1%} to {:.1%})".format(*turns[-1].gain)
        yield f"| {arm} | {seconds} | {base} | {tuned} | {gain} |"
    ours, theirs = ([turn.seconds for turn in demos[arm]] for arm in (OURS, OTHER))
    yield f"\nOurs takes {describe_ratio(ours, theirs)} of the other's time."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("checkout", type=Path, help="another checkout of this project")
    parser.add_argument("name", nargs="?", default="countdown", choices=["countdown", "triton"])
    parser.add_argument("--turns", type=int, default=1)
    options = parser.parse_args()
    arms = {OTHER: options.checkout, OURS: ROOT}
    demos: dict[str, list[Demo]] = {OTHER: [], OURS: []}
    for turn in range(options.turns):
        for arm in (OTHER, OURS) if turn % 2 == 0 else (OURS, OTHER):
            demos[arm].append(run_demo(arms[arm].resolve(), options.name))
            print(f"{arm}: {demos[arm][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=options.checkout, check=True, text=True,
        capture_output=True,
    ).stdout.strip()  # fmt: skip
    head = (
        f"# The {options.name} demo by this checkout and by {commit}\n\n{describe_setting()}\n\n"
        f"`python benchmarks/demos.py CHECKOUT_OF_{commit} {options.name}`: {options.turns} turn(s)"
        " in turn, medians (min-max).\n"
    )
    publish(f"demo-{options.name}", "\n".join([head, *tabulate(demos)]))


if __name__ == "__main__":
    main()
