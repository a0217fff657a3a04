"""What a long run costs to record and to look at: ours beside trackio, MLflow and TensorBoard.

    python -m pip install --target DIR trackio tensorboard mlflow
    python benchmarks/tracker_duel.py --trackers DIR [--steps 400] [--repeats 3]

All record the same steps (`recorded_steps.py`, repeated): metrics, and 64 completions with what was
said of them. Then each is asked, through what its makers offer for reading in Python, for

- the first page: all curves, and the completions of the newest step;
- a live tick: what came with one more step (where there is no way to ask for that: everything);
- a search: the newest 50 completions that hold a text, of all steps.

Reading is timed in this process, after a first reading that is not counted: wall time, the best of
`repeats`, and CPU time. No browser takes part. What a tracker cannot do is said in its place.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from benchmarks.in_turn import describe_command, describe_setting, publish  # noqa: E402
from benchmarks.recorded_steps import COMPLETIONS, RecordedStep, make_steps  # noqa: E402
from benchmarks.recording import list_versions  # noqa: E402
from benchmarks.trackers import MLFLOW, OURS, TENSORBOARD, TRACKERS, TRACKIO, Tracker  # noqa: E402

TEXT = "left gives total"  # three words that stand beside each other now and then
FOUND = 50
DIFFERENT_STEPS = 100


class Reader(Protocol):
    """How one tracker's run is read. `search` None: it has no way to find a text."""

    def open(self) -> object: ...
    def tick(self, step: int) -> object: ...
    def search(self, text: str) -> Sequence[object] | None: ...


class OurReader:
    """As the pages read it: in columns, as the supervisor keeps them while a run lives."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._known = folder, 0

    def prepare(self) -> float:
        """What a process beside the worker does meanwhile. Seconds of CPU time."""
        from rft_core.store.columns.building import build_columns

        used = time.process_time()
        build_columns(self._folder, "turn-0")
        return time.process_time() - used

    def open(self) -> object:
        from rft_core.figures import Curves, add_stored_curves, extend_curves
        from rft_core.store.columns.curve_blocks import read_stored_curves
        from rft_core.store.generations import list_generations
        from rft_core.store.run_reader import metrics_frame, open_run

        with open_run(self._folder, "turn-0") as db:
            last_id, stored = read_stored_curves(db)
            arrays = {(c.split, c.name): (c.step, c.elapsed, c.tokens, c.value) for c in stored}
            curves = add_stored_curves(Curves(), arrays, last_id)
            curves = extend_curves(curves, metrics_frame(db, after_id=last_id))
            self._known = curves.last_id
            return curves, list_generations(db, limit=COMPLETIONS)

    def tick(self, step: int) -> object:
        from rft_core.store.generations import list_generations
        from rft_core.store.run_reader import metrics_frame, open_run
        from rft_core.store.search import GenerationFilter

        with open_run(self._folder, "turn-0") as db:
            new = metrics_frame(db, after_id=self._known)
            return new, list_generations(db, GenerationFilter(step=step), limit=COMPLETIONS)

    def search(self, text: str) -> Sequence[object]:
        from rft_core.store.generations import list_generations
        from rft_core.store.run_reader import open_run
        from rft_core.store.search import GenerationFilter

        with open_run(self._folder, "turn-0") as db:
            return list_generations(db, GenerationFilter(text=text), limit=FOUND)


class TrackioReader:
    """Through the calls that its dashboard makes to its SQLite store: all logs of a run, with the
    tables in them. It has no search over what tables hold; here every table is looked through."""

    def __init__(self, folder: Path) -> None:
        from trackio.sqlite_storage import SQLiteStorage

        self._storage: Any = SQLiteStorage

    def open(self) -> list[dict[str, Any]]:
        logs: list[dict[str, Any]] = self._storage.get_logs("benchmark", "turn-0")
        return logs

    def tick(self, step: int) -> object:
        return self.open()

    def search(self, text: str) -> Sequence[object]:
        found = []
        for log in reversed(self.open()):
            for row in log["completions"]["_value"]:
                if text in row["completion"]:
                    found.append(row)
            if len(found) >= FOUND:
                break
        return found[:FOUND]


class MlflowReader:
    """Through its client: histories of metrics, and artifacts as files. It has no search in
    artifacts; here each is opened."""

    def __init__(self, folder: Path) -> None:
        import mlflow

        mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
        self._client = mlflow.MlflowClient()
        [experiment] = self._client.search_experiments(filter_string="name = 'benchmark'")
        [run] = self._client.search_runs([experiment.experiment_id])
        self._run, self._names = run.info.run_id, sorted(run.data.metrics)
        self._files = Path(run.info.artifact_uri.removeprefix("file://")) / "completions"

    def open(self) -> object:
        curves = {name: self._client.get_metric_history(self._run, name) for name in self._names}
        return curves, self._read(max(int(path.stem) for path in self._files.iterdir()))

    def _read(self, step: int) -> list[dict[str, Any]]:
        lines = (self._files / f"{step}.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]

    def tick(self, step: int) -> object:
        return self.open()

    def search(self, text: str) -> Sequence[object]:
        found: list[object] = []
        for step in sorted((int(path.stem) for path in self._files.iterdir()), reverse=True):
            found += [row for row in self._read(step) if text in row["completion"]]
            if len(found) >= FOUND:
                break
        return found[:FOUND]


class TensorBoardReader:
    """Through its EventAccumulator, which is told to keep every event: by default it keeps 10 texts
    of a tag. Its page has no search in texts; here all are looked through."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        everything = {"scalars": 0, "tensors": 0}
        self._make: Callable[[], Any] = lambda: EventAccumulator(
            str(folder / "turn-0"), size_guidance=everything
        )

    def open(self) -> object:
        self._events = self._make()
        self._events.Reload()
        return self._read()

    def _read(self) -> object:
        tags = self._events.Tags()
        curves = [self._events.Scalars(tag) for tag in tags["scalars"]]
        return curves, [self._events.Tensors(tag)[-1] for tag in tags["tensors"]]

    def tick(self, step: int) -> object:
        self._events.Reload()  # reads on where it was
        return self._read()

    def search(self, text: str) -> Sequence[object]:
        events = [
            (event.step, tag, event.tensor_proto.string_val[0].decode())
            for tag in self._events.Tags()["tensors"]
            for event in self._events.Tensors(tag)
        ]
        held = [event for event in events if text in json.loads(event[2])["completion"]]
        return sorted(held, reverse=True)[:FOUND]


READERS: dict[str, Callable[[Path], Reader]] = {
    OURS: OurReader, TRACKIO: TrackioReader, MLFLOW: MlflowReader, TENSORBOARD: TensorBoardReader,
}  # fmt: skip


@dataclass(frozen=True)
class Result:
    """Milliseconds: wall time of each call at the end of the run; CPU time a step, of the call and
    of what is made of it behind the run; wall and CPU of each kind of reading, the best of some."""

    calls: float
    cpu: float
    behind: float
    size: int
    readings: dict[str, tuple[float, float]]
    found: int


@dataclass(frozen=True)
class Duel:
    """What each of them is given: `count` steps, of which `steps` are repeated."""

    steps: Sequence[RecordedStep]
    count: int
    repeats: int

    def record(self, tracker: Tracker, number: int) -> None:
        tracker.record(number, self.steps[number % len(self.steps)])


def run_tracker(name: str, folder: Path, duel: Duel) -> Result:
    tracker = TRACKERS[name](folder)
    tracker.begin(0)
    calls, used = list[float](), time.process_time()
    for number in range(1, duel.count + 1):
        started = time.perf_counter()
        duel.record(tracker, number)
        calls.append(1e3 * (time.perf_counter() - started))
    cpu = 1e3 * (time.process_time() - used) / duel.count
    wait_until_written(name)
    reader = READERS[name](folder)
    behind = 0.0
    if isinstance(reader, OurReader):
        behind = 1e3 * reader.prepare() / duel.count
    readings = {"first page": best(reader.open, duel.repeats)}
    readings["tick"] = measure_ticks(name, reader, tracker, duel)
    readings["search"] = best(lambda: reader.search(TEXT), duel.repeats)
    found = len(reader.search(TEXT) or ())
    tracker.end()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    late = sorted(calls[-50:])
    return Result(late[len(late) // 2], cpu, behind, size, readings, found)


def measure_ticks(name: str, reader: Reader, tracker: Tracker, duel: Duel) -> tuple[float, float]:
    ticks = []
    for step in range(duel.count + 1, duel.count + 1 + duel.repeats):
        duel.record(tracker, step)
        wait_until_written(name)
        ticks.append(best(partial(reader.tick, step), 1))
    return min(wall for wall, _ in ticks), min(cpu for _, cpu in ticks)


def wait_until_written(name: str) -> None:
    if name == TRACKIO:
        time.sleep(3)  # its thread writes twice a second


def best(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    taken = []
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        taken.append((time.perf_counter() - started, time.process_time() - used))
    return 1e3 * min(wall for wall, _ in taken), 1e3 * min(cpu for _, cpu in taken)


def describe(results: dict[str, Result], count: int) -> Iterator[str]:
    yield (
        "| | a call, late, ms | CPU a step, ms + behind the run | bytes a completion | "
        "first page, ms (CPU) | tick, ms (CPU) | search, ms (CPU) | found |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for name, result in results.items():
        readings = " | ".join(f"{wall:.1f} ({cpu:.1f})" for wall, cpu in result.readings.values())
        yield (
            f"| {name} | {result.calls:.2f} | {result.cpu:.2f} + {result.behind:.2f} | "
            f"{result.size / count / COMPLETIONS:,.0f} | {readings} | {result.found} |"
        )
    yield ""
    for name in results:
        words = " ".join((READERS[name].__doc__ or "").split())
        yield f"- {name}: {words}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trackers", type=Path, help="the folder that the others are installed in")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    if options.trackers:
        sys.path.append(str(options.trackers))
    steps = make_steps(min(options.steps, DIFFERENT_STEPS))
    duel = Duel(steps, options.steps, options.repeats)
    results, missing = dict[str, Result](), list[str]()
    for at, name in enumerate(READERS):
        gc.collect()
        with tempfile.TemporaryDirectory(prefix="rft-duel-") as place, redirect_stdout(sys.stderr):
            try:
                results[name] = run_tracker(name, Path(place) / str(at), duel)
            except ImportError as error:
                missing.append(f"{name}: not measured ({error}). See `--help` for how to install.")
    head = (
        f"# {options.steps:,} steps of {COMPLETIONS} completions, recorded and looked at\n\n"
        f"{describe_setting()}; {list_versions()}\n\n`{describe_command(sys.argv)}`\n"
    )
    table = describe(results, options.steps)
    publish("tracker-duel", "\n".join([head, *table, *(f"\n{line}" for line in missing)]))


if __name__ == "__main__":
    main()
