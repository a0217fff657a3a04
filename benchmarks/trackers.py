"""Ways to record a training step in files: ours, and those of other trackers where they are there.

What each can do with 64 completions of a step, as its makers describe it and as its files show:

- RFT Studio: rows of a relational database, a transaction a step; completions are paged, filtered
  by text, score, flag and prompt, and resumed runs replace what they make again.
- trackio: a table per step as JSON in the row of the step, written by a thread twice a second; the
  dashboard shows a step's table. Light, syncs to a Hugging Face Space; no search in its store.
- TensorBoard: text summaries in an event file; simple, read by many tools, the reader keeps a
  sample of a tag's steps. A tag per completion shows each apart; one table of Markdown is cheaper.
- MLflow: metrics in SQLite, completions as artifacts. `log_table` joins all steps to one table to
  query, and reads and writes it anew each time; a file per step costs the same at any step. It
  has a model registry and serves a team, which none of the others does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from benchmarks.recorded_steps import GROUP, RecordedStep
from rft_core.store.phase_times import PHASES
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.training.batch_records import list_generations
from rft_core.training.phase_clock import PhaseClock


class Tracker(Protocol):
    """One way. A turn is a run of its own in the same place."""

    def begin(self, turn: int) -> None: ...
    def record(self, number: int, step: RecordedStep) -> None: ...
    def end(self) -> None:
        """Return once everything lies in files."""
        ...


class OurTracker:
    """As the Recorder of a run does it, with its clock of phases."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, turn: int) -> None:
        self._writer = RunWriter(self._folder, f"turn-{turn}")
        self._writer.start_attempt(from_step=0, pid=os.getpid())
        self._clock = PhaseClock(dict.fromkeys(PHASES, 1.0))

    def record(self, number: int, step: RecordedStep) -> None:
        with self._clock.during("record"):
            generations = list_generations(step.batch, step.advantages, GROUP)
            record = StepRecord(
                number, "train", step.metrics, generations, step.prompts, elapsed=1.5 * number,
                tokens=6_000 * number, phases=self._clock.read(),
            )  # fmt: skip
            self._writer.record_step(record, max_steps=1_000)

    def end(self) -> None:
        self._writer.close()


class TrackioTracker:
    """`log` with a `Table` of plain rows: no data frame in between."""

    def __init__(self, folder: Path) -> None:
        os.environ.update(TRACKIO_DIR=str(folder), HF_HUB_OFFLINE="1")
        import trackio

        self._trackio = trackio

    def begin(self, turn: int) -> None:
        self._trackio.init(
            project="benchmark", name=f"turn-{turn}", embed=False, auto_log_cpu=False,
            auto_log_gpu=False,
        )  # fmt: skip

    def record(self, number: int, step: RecordedStep) -> None:
        table = self._trackio.Table(data=step.list_rows())
        self._trackio.log({**step.metrics, "completions": table}, step=number)

    def end(self) -> None:
        self._trackio.finish()


class TensorBoardTracker:
    """Through torch's SummaryWriter, flushed after each step as transformers' callback does."""

    def __init__(self, folder: Path, *, as_one_table: bool = False) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._make: Callable[..., Any] = SummaryWriter
        self._folder, self._as_one_table = folder, as_one_table

    def begin(self, turn: int) -> None:
        self._writer = self._make(str(self._folder / f"turn-{turn}"))

    def record(self, number: int, step: RecordedStep) -> None:
        for name, value in step.metrics.items():
            self._writer.add_scalar(name, value, number)
        rows = step.list_rows()
        if self._as_one_table:
            self._writer.add_text("completions", _write_table(rows), number)
        else:
            for row in rows:
                tag = f"completion/{row['group']}/{row['sample']}"
                self._writer.add_text(tag, json.dumps(row, ensure_ascii=False), number)
        self._writer.flush()

    def end(self) -> None:
        self._writer.close()


class MlflowTracker:
    """`log_metrics` to SQLite, its default, and completions as artifacts beside it."""

    def __init__(self, folder: Path, *, as_one_table: bool = False) -> None:
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
        import mlflow
        import pandas

        self._mlflow, self._frame = mlflow, pandas.DataFrame
        self._as_one_table = as_one_table
        folder.mkdir()
        self._place = f"sqlite:///{folder / 'mlflow.db'}"
        mlflow.set_tracking_uri(self._place)
        self._experiment = mlflow.create_experiment("benchmark", (folder / "artifacts").as_uri())

    def begin(self, turn: int) -> None:
        self._mlflow.set_tracking_uri(self._place)
        self._mlflow.start_run(experiment_id=self._experiment, run_name=f"turn-{turn}")

    def record(self, number: int, step: RecordedStep) -> None:
        self._mlflow.log_metrics(step.metrics, step=number)
        if self._as_one_table:
            frame = self._frame([{"step": number, **row} for row in step.list_rows()])
            self._mlflow.log_table(frame, "completions.json")
        else:
            lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in step.list_rows())
            self._mlflow.log_text(lines, f"completions/{number}.jsonl")

    def end(self) -> None:
        self._mlflow.end_run()


OURS, TRACKIO = "RFT Studio", "trackio"
TENSORBOARD, MLFLOW = "TensorBoard, a text each", "MLflow, a file a step"
TRACKERS: dict[str, Callable[[Path], Tracker]] = {
    OURS: OurTracker,
    TRACKIO: TrackioTracker,
    TENSORBOARD: TensorBoardTracker,
    "TensorBoard, one table": lambda folder: TensorBoardTracker(folder, as_one_table=True),
    MLFLOW: MlflowTracker,
    "MLflow, `log_table`": lambda folder: MlflowTracker(folder, as_one_table=True),
}


def _write_table(rows: list[dict[str, object]]) -> str:
    """As Markdown, which its page draws."""
    head = " | ".join(rows[0])
    lines = [" | ".join(str(cell).replace("\n", "<br>") for cell in row.values()) for row in rows]
    return "\n".join([f"| {head} |", "|---" * len(rows[0]) + "|", *(f"| {x} |" for x in lines)])
