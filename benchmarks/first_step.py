"""From a launch to its first recorded step: with a worker on its way already, and without one.

    python benchmarks/first_step.py [--model embedded/countdown] [--task countdown] [--pairs 7]

Each turn is the command line's `launch` in a runs folder of its own, in turn. *cold*: nothing runs
yet. *ready*: a supervisor keeps a spare worker that has imported its libraries, as it does while
somebody fills in the Train page. Seconds by the wall, from the start of the command until its
worker has begun, its model is loaded, and its first step is in the database; the validation of the
untrained model comes before that step.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    publish,
)
from rft_core.jobs.launcher import kill, prepare_launch, wait_for_end  # noqa: E402
from rft_core.store.run_reader import has_database, list_attempts, open_run  # noqa: E402

COLD, READY = "cold", "ready"
IMPORTED_AFTER = 15.0  # seconds: a spare worker has its libraries by then
POLL_SECONDS = 0.02
GIVE_UP_AFTER = 600.0  # seconds
FIRST = (
    "SELECT finished_at, sum(seconds) FROM steps JOIN phases USING (step) "
    "WHERE step = 1 GROUP BY finished_at"
)


@dataclass(frozen=True)
class FirstStep:
    """Seconds since the command began. `trained`: of the step's own phases, validation included."""

    began: float
    recorded: float
    trained: float

    @property
    def loading(self) -> float:
        return self.recorded - self.began - self.trained


def launch(runs: Path, options: argparse.Namespace) -> FirstStep:
    environment = {**os.environ, "RFT_RUNS_DIR": str(runs)}
    started = time.time()
    command = [
        sys.executable, "-m", "rft_core", "launch", "--json", "--task", options.task,
        "--set", f"model={options.model}",
    ]  # fmt: skip
    told = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
    run = json.loads(told)["run"]
    while True:
        if time.time() - started > GIVE_UP_AFTER:
            raise SystemExit(f"{run} has made no step in {GIVE_UP_AFTER:.0f} s")
        if has_database(runs, run):
            with open_run(runs, run) as db:
                row = db.execute(FIRST).fetchone()
                if row:
                    began = list_attempts(db)[0].started_at - started
                    break
        time.sleep(POLL_SECONDS)
    kill(runs, run)
    wait_for_end(runs, run)
    return FirstStep(began, row[0] - started, row[1])


def take_turns(options: argparse.Namespace) -> dict[str, list[FirstStep]]:
    turns: dict[str, list[FirstStep]] = {COLD: [], READY: []}
    for pair in range(options.pairs):
        for arm in (COLD, READY) if pair % 2 == 0 else (READY, COLD):
            with tempfile.TemporaryDirectory() as folder:
                if arm == READY:
                    prepare_launch(Path(folder))
                    time.sleep(IMPORTED_AFTER)
                turns[arm].append(launch(Path(folder), options))
            print(arm, f"{turns[arm][-1].recorded:.2f} s", file=sys.stderr, flush=True)
    return turns


def tabulate(turns: dict[str, list[FirstStep]]) -> Iterator[str]:
    yield "| until | cold, s | ready, s | ready / cold |"
    yield "|---|---|---|---|"
    for title, read in (
        ("the worker has begun", lambda turn: turn.began),
        ("libraries and model are loaded (more)", lambda turn: turn.loading),
        ("validation and first step are made (more)", lambda turn: turn.trained),
        ("**first step recorded**", lambda turn: turn.recorded),
    ):
        cold, ready = ([read(turn) for turn in turns[arm]] for arm in (COLD, READY))
        ratio = describe_ratio(ready, cold)
        yield f"| {title} | {describe(cold, '.2f')} | {describe(ready, '.2f')} | {ratio} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded/countdown", help="or a folder")
    parser.add_argument("--task", default="countdown", help="whose prompts and rewards")
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    turns = take_turns(options)
    head = (
        f"# From a launch to its first recorded step: {Path(options.model).name}\n\n"
        f"{describe_setting()}\n\n`{describe_command(sys.argv)}`: "
        f"medians (min-max) of {options.pairs} pairs; ratios pair by pair.\n"
    )
    publish(f"first-step-{Path(options.model).name}", "\n".join([head, *tabulate(turns)]))


if __name__ == "__main__":
    main()
