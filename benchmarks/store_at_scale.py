"""What pages ask of a long run, at a million generations, 100,000 steps and 400 runs.

    python benchmarks/store_at_scale.py [--folder FOLDER] [--repeats 5]

Server side: the functions that pages call, in one process, with the goals they are held to. FOLDER
is what `big_store.py` has written, with its columns where they are built; without it one is made in
the temporary folder, and deleted afterwards (some gigabytes, and minutes). Each figure is the best
of `repeats`, wall time and this process's CPU time: on a machine that is busy with others the CPU
time is what the work takes.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import shutil
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
logging.disable(logging.CRITICAL)  # Streamlit warns that it does not run

from benchmarks import big_store  # noqa: E402
from benchmarks.big_store import FUNCTIONS, MANY_GENERATIONS, MANY_STEPS  # noqa: E402
from benchmarks.in_turn import describe_command, describe_setting, publish  # noqa: E402
from pages.components.charts.chart_feed import ChartFeed  # noqa: E402
from pages.components.charts.chart_message import Panel, Question, list_traces, make_message  # noqa: E402
from pages.components.completions.download_route import Offer  # noqa: E402
from pages.components.runs.curves import policy_panels, reward_panels  # noqa: E402
from pages.components.runs.look import RunLook, _read, read_telling_group  # noqa: E402
from rft_core.jobs.backends import LocalBackend  # noqa: E402
from rft_core.jobs.supervisor import Supervisor  # noqa: E402
from rft_core.paths import get_columns_path, get_run_db_path  # noqa: E402
from rft_core.store.columns.building import build_columns  # noqa: E402
from rft_core.store.generations import (  # noqa: E402
    count_within,
    get_group,
    get_prompts,
    list_flags,
    list_generations,
)
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.listing.run_lines import read_run_lines  # noqa: E402
from rft_core.store.run_reader import open_run  # noqa: E402
from rft_core.store.runs import RunRow, get_run  # noqa: E402
from rft_core.store.search import GenerationFilter  # noqa: E402
from rft_core.store.sqlite.without_pandas import Database  # noqa: E402

Where = GenerationFilter
FILTERS = {
    "nothing": Where(),
    "split": Where(split="validation"),
    "step": Where(step=9_000),
    "prompt": Where(prompt_id=5),
    "truncated": Where(truncated=True),
    "flag": Where(flag="repetition"),
    "unscored": Where(unscored=True),
    "reward ≥ 2.8": Where(min_score=2.8),
    "reward ≤ 2, a third": Where(max_score=2.0, min_score=1.5),
    "score of a function": Where(function="judge", min_score=0.99),
    "four at once": Where(split="train", truncated=True, function="format", max_score=0.5,
                          flag="repetition"),
}  # fmt: skip
TEXTS = ("7", "98", "= 1898", "98 - 84", "64 - 12 = 52", "answer", "zebra", "über")


@dataclass(frozen=True)
class Taken:
    """Milliseconds, the best of some tries."""

    cpu: float
    wall: float


def measure(work: Callable[[], object], repeats: int) -> Taken:
    cpu, wall = [], []
    for _ in range(repeats):
        used, started = time.process_time(), time.perf_counter()
        work()
        cpu.append(time.process_time() - used)
        wall.append(time.perf_counter() - started)
    return Taken(1e3 * min(cpu), 1e3 * min(wall))


def row(what: str, goal: float | None, taken: Taken, note: str = "") -> str:
    wanted = f"{goal:g}" if goal else "–"
    return f"| {what} | {wanted} | {taken.cpu:.1f} | {taken.wall:.1f} | {note} |"


def measure_filters(db: Database, repeats: int) -> Iterator[str]:
    texts = {f"text `{text}`": Where(text=text) for text in TEXTS}
    for name, where in {
        **FILTERS,
        **texts,
        "text and flag": Where(text="98", flag="repetition"),
    }.items():
        page = measure(partial(list_generations, db, where, limit=51), repeats)
        yield row(f"page of: {name}", 100, page)
        counted = count_within(db, where)
        said = f"{counted.number:,}" if counted.is_exact else f"at least {counted.number:,}"
        yield row(f"count of: {name}", 50, measure(partial(count_within, db, where), repeats), said)
    yield row("all flags", 50, measure(partial(list_flags, db), repeats))


def read_generations_page(folder: Path) -> None:
    """What the Generations page reads before it shows anything."""
    with open_run(folder, MANY_GENERATIONS) as db:
        count_within(db)
        list_flags(db)
        count_within(db, Where(text="98"))
        shown = list_generations(db, Where(text="98"), limit=51)[0]
        get_prompts(db, {shown.prompt_id})
        get_group(db, split=shown.split, step=shown.step, group_index=shown.group_index)


def list_panels(run: RunRow, look: RunLook) -> list[Panel]:
    rewards = reward_panels(look.curves, dict.fromkeys(FUNCTIONS, 1.0))
    return [*rewards, *policy_panels(look.curves, run.config.methods)]


def open_monitor(run: RunRow) -> tuple[RunLook, ChartFeed]:
    """What Monitor reads and sends when it is opened."""
    look, feed = _read(run, "first", None), ChartFeed()
    make_message(feed.publish(list_panels(run, look)), Question(smoothing=0.6))
    read_telling_group(run, f"{time.monotonic_ns()}", step=look.curves.last_step, split="train")
    return look, feed


def measure_monitor(folder: Path, run_id: str, repeats: int) -> Iterator[str]:
    with open_index(folder) as index:
        run = get_run(index, run_id)
    yield row(f"Monitor opened: {run_id}", 300, measure(lambda: open_monitor(run), repeats))
    look, feed = open_monitor(run)
    size, ticks = 0, []
    for _ in range(repeats):
        add_step(folder, run_id)
        known = feed.edition
        counts = tuple(len(trace.y) for trace in list_traces(known.panels))
        question = Question(smoothing=0.6, generation=known.generation, counts=counts)

        def tick(question: Question = question) -> None:
            nonlocal look, size
            look = _read(run, "next", look)
            size = len(make_message(feed.publish(list_panels(run, look)), question))

        ticks.append(measure(tick, 1))
    best = Taken(min(t.cpu for t in ticks), min(t.wall for t in ticks))
    yield row(f"Monitor's tick: {run_id}", 50, best, f"{size:,} bytes to the browser (goal: 5,000)")


def add_step(folder: Path, run_id: str) -> None:
    with closing(sqlite3.connect(get_run_db_path(folder, run_id))) as db:
        [last] = db.execute("SELECT max(step) FROM steps").fetchone()
        big_store._write_steps(db, [last + 1])
        db.commit()


def measure_folder(folder: Path, repeats: int) -> Iterator[str]:
    with open_index(folder) as index:
        known = read_run_lines(index, folder)  # keeps what it has read
        taken = measure(partial(read_run_lines, index, folder, known.digests), repeats)
    yield row(f"Overview's list of {len(known.lines)} runs", 300, taken)
    with tempfile.TemporaryDirectory() as place:
        for where, what in ((folder, f"{len(known.lines)} ended runs"), (Path(place), "no run")):
            supervisor = Supervisor(where, [LocalBackend(where)])
            supervisor.tick()  # the first looks at every run once
            yield row(f"supervisor's tick, {what}", None, measure(supervisor.tick, 10 * repeats))


def measure_download(folder: Path) -> str:
    offer = Offer(folder, MANY_GENERATIONS, Where(flag="repetition"), FUNCTIONS)
    before = peak_memory()
    size = 0

    def take() -> None:
        nonlocal size
        size = sum(len(piece) for piece in offer.write("jsonl"))

    taken = measure(take, 1)
    note = f"{size / 1e6:.1f} MB, {peak_memory() - before:.0f} MB of memory more"
    return row("download of one flag's, whole", None, taken, note)


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def build(folder: Path) -> Iterator[str]:
    """Bring the columns up to date, and say what that took and takes."""
    for run in (MANY_GENERATIONS, MANY_STEPS):
        used, started = time.process_time(), time.perf_counter()
        blocks = build_columns(folder, run)
        cpu, wall = time.process_time() - used, time.perf_counter() - started
        path = get_run_db_path(folder, run)
        own, columns = path.stat().st_size / 1e6, get_columns_path(path).stat().st_size / 1e6
        made = f" Built: {blocks} blocks, {cpu:.0f} s of CPU, {wall:.0f} s." if blocks else ""
        yield f"- `{run}`: {own:,.0f} MB, and {columns:,.0f} MB of columns.{made}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="rft-scale-")) / "runs"
    try:
        if not options.folder:
            big_store.write_all(folder)
        publish("store-at-scale", "\n".join(report(folder, options.repeats)))
    finally:
        if not options.folder:
            shutil.rmtree(folder.parent)


def report(folder: Path, repeats: int) -> Iterator[str]:
    os.environ["RFT_RUNS_DIR"] = str(folder)
    measured = list(list_rows(folder, repeats))  # before torch is loaded to tell its version
    yield "# What pages ask of a long run: a million generations, 100,000 steps, 400 runs\n"
    yield f"{describe_setting()}\n"
    yield f"`{describe_command(sys.argv)}`: the best of {repeats}, milliseconds.\n"
    yield from measured


def list_rows(folder: Path, repeats: int) -> Iterator[str]:
    yield from build(folder)
    yield "\n| | goal | CPU | wall | |\n|---|---|---|---|---|"
    yield row(
        "Generations opened, with a search",
        300,
        measure(partial(read_generations_page, folder), repeats),
    )
    with open_run(folder, MANY_GENERATIONS) as db:
        yield from measure_filters(db, repeats)
    for run_id in (MANY_GENERATIONS, MANY_STEPS):
        yield from measure_monitor(folder, run_id, repeats)
    yield from measure_folder(folder, repeats)
    yield measure_download(folder)
    yield f"\nThe process that read all of this held {peak_memory():.0f} MB at most (goal: 500)."


if __name__ == "__main__":
    main()
