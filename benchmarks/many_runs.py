"""How long Overview reads a folder of many runs: the table, beside a look at every run's database.

    python benchmarks/many_runs.py [--runs 400] [--steps 100] [--turns 7]

Real run databases of `--steps` steps, half of them finished and half failed, listed in turn by
opening each (`list_run_statuses`) and by digests (`read_run_lines`), as a server does that has just
started and one that has looked before. The table's frame is made of what was read. Wall and CPU.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_setting,
    publish,
)
from pages.components.runs.run_table import TableView, filter_lines, make_frame  # noqa: E402
from rft_core.config import make_config  # noqa: E402
from rft_core.paths import get_run_db_path, get_run_dir  # noqa: E402
from rft_core.store.commands import add_command, set_command_handled  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.listing.run_lines import RunLines, read_run_lines  # noqa: E402
from rft_core.store.runs import _restore, add_run  # noqa: E402
from rft_core.store.state.status import list_run_statuses  # noqa: E402
from tests.sample_run import NO_PROCESS, begin_run  # noqa: E402

GOAL = 300  # milliseconds


def make_runs(folder: Path, count: int, steps: int) -> None:
    """Two runs that are written step by step, and copies of them under names of their own."""
    for name, outcome in (("finished", "finished"), ("failed", "failed")):
        run = begin_run(folder, name, max_steps=steps)
        run.train(steps)
        run.end(outcome, "" if outcome == "finished" else "out of memory")
    with open_index(folder) as index:
        for number in range(count - 2):
            copy_run(folder, ("finished", "failed")[number % 2], f"run-{number:04d}")
            config = make_config({"name": f"Run {number}", "max_steps": steps, "seed": number})
            add_run(index, id=f"run-{number:04d}", config=config)
            launch = f"launch-run-{number:04d}"
            add_command(index, id=launch, kind="launch", run=f"run-{number:04d}")
            set_command_handled(index, launch, worker_pid=NO_PROCESS)


def copy_run(folder: Path, source: str, name: str) -> None:
    shutil.copytree(get_run_dir(folder, source), get_run_dir(folder, name))
    db = sqlite3.connect(get_run_db_path(folder, name))
    db.execute("UPDATE attempts SET command = ?", [f"launch-{name}"])
    db.commit()
    db.close()


def measure(
    what: dict[str, Callable[[], object]], turns: int
) -> dict[str, tuple[list[float], list[float]]]:
    """Milliseconds of wall and of CPU time, turn by turn."""
    found: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in what}
    for turn in range(turns):
        for name in what if turn % 2 == 0 else reversed(list(what)):
            wall, cpu = time.perf_counter(), time.process_time()
            what[name]()
            found[name][0].append(1000 * (time.perf_counter() - wall))
            found[name][1].append(1000 * (time.process_time() - cpu))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--steps", type=int, default=100, help="of each run")
    parser.add_argument("--turns", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_runs(folder, options.runs, options.steps)

        def read(known: RunLines | None = None) -> RunLines:
            with open_index(folder) as index:
                return read_run_lines(index, folder, known.digests if known else None)

        def open_all() -> None:
            with open_index(folder) as index:
                list_run_statuses(index, folder)

        def read_anew() -> RunLines:
            _restore.cache_clear()
            return read()

        known = read()
        found = measure(
            {
                "every database opened": open_all,
                "the table, server just started": read_anew,
                "the table, looked at before": lambda: read(known),
                "its frame": lambda: make_frame(
                    filter_lines(known.lines, TableView()), TableView()
                ),
            },
            options.turns,
        )
    rows = [
        f"| {name} | {describe(wall, '.0f')} | {describe(cpu, '.0f')} |"
        for name, (wall, cpu) in found.items()
    ]
    first = [statistics.median(found[name][1]) for name in list(found)[1:]]
    text = [
        f"# Overview of {options.runs} runs",
        "",
        describe_setting(),
        "",
        f"`{describe_command(sys.argv)}`: medians (min-max) of {options.turns} turns, in ms.",
        "",
        "| what is read | wall | CPU |",
        "|---|---|---|",
        *rows,
        "",
        f"Goal: {GOAL} ms for the first look of a server. The table and its frame take "
        f"{first[0] + first[2]:.0f} ms of CPU then; wall time is the machine's load as well.",
    ]
    publish("many-runs", "\n".join(text))


if __name__ == "__main__":
    main()
