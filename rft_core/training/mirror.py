"""The curves of a run, mirrored to where people keep them: trackio, wandb, tensorboard.

By transformers' own callbacks, which TRL's trainers use too. They are called from the run's records
rather than by a trainer: so they get everything that the run's own curves show, rewards and
validation included, and steps that count through all stages of the run. Nothing goes anywhere
unless `report_to` names it; where a mirror fails, the run goes on without it and says so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from rft_core.config import RunConfig
from rft_core.store.preflights import StoredPreflight
from rft_core.store.run_writer import PartsDone, StepRecord
from rft_core.training.run_sink import RunSink

PROJECT = "rft-studio"
TENSORBOARD_DIR = "TENSORBOARD_LOGGING_DIR"  # transformers' variable; here the folder of all runs


class MirroredSink:
    """A `RunSink` whose metrics go to these callbacks as well.

    Validation is told apart as transformers does: by `eval_` before a metric's name.
    """

    def __init__(
        self, sink: RunSink, callbacks: Sequence[TrainerCallback], arguments: TrainingArguments
    ) -> None:
        self._sink, self._arguments = sink, arguments
        self._callbacks = list(callbacks)
        self._state = TrainerState(is_world_process_zero=True, is_local_process_zero=True)
        self._call("on_train_begin")

    def set_sandbox_tier(self, tier: str | None) -> None:
        self._sink.set_sandbox_tier(tier)

    def set_progress(
        self,
        phase: str,
        detail: str = "",
        *,
        step: int,
        max_steps: int,
        parts: PartsDone | None = None,
    ) -> None:
        self._sink.set_progress(phase, detail, step=step, max_steps=max_steps, parts=parts)

    def add_event(self, kind: str, message: str) -> None:
        self._sink.add_event(kind, message)

    def record_preflight(self, found: StoredPreflight) -> None:
        self._sink.record_preflight(found)

    def record_step(self, record: StepRecord, *, max_steps: int) -> None:
        self._sink.record_step(record, max_steps=max_steps)
        prefix = "eval_" if record.split == "validation" else ""
        logs = {f"{prefix}{name}": value for name, value in record.metrics.items()}
        self._state.global_step, self._state.max_steps = record.step, max_steps
        self._call("on_log", logs=logs)

    def add_checkpoint(
        self, *, step: int, resumable: bool, phases: Mapping[str, float] | None = None
    ) -> None:
        self._sink.add_checkpoint(step=step, resumable=resumable, phases=phases)

    def set_checkpoint_not_resumable(self, step: int) -> None:
        self._sink.set_checkpoint_not_resumable(step)

    def make_durable(self) -> None:
        self._sink.make_durable()

    def finish(self) -> None:
        """Let the callbacks write and send what they still hold."""
        self._call("on_train_end")

    def _call(self, moment: str, **more: Any) -> None:
        for callback in list(self._callbacks):
            try:
                getattr(callback, moment)(
                    self._arguments, self._state, TrainerControl(), model=None, **more
                )
            except Exception as error:  # another project's code, often over a network
                self._callbacks.remove(callback)
                _tell_failure(self._sink, type(callback).__name__, error)


@contextmanager
def mirrored(sink: RunSink, config: RunConfig, run_dir: Path) -> Iterator[RunSink]:
    """Record to `sink` and mirror to what `config.report_to` names, under the run's own id."""
    run_id = run_dir.name
    _name_run(run_id, run_dir)
    arguments = _RunArguments(
        output_dir=str(run_dir), run_name=run_id, project=PROJECT, report_to="none",
        trackio_static_space_id=False, use_cpu=True,
    )  # fmt: skip
    arguments.settings = config.model_dump(mode="json")
    both = MirroredSink(sink, list(_make_callbacks(sink, config)), arguments)
    try:
        yield both
    finally:
        both.finish()


class _RunArguments(TrainingArguments):
    """What the callbacks read: a folder, a name, and the run's settings in place of theirs."""

    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return dict(self.settings)


def _make_callbacks(sink: RunSink, config: RunConfig) -> Iterator[TrainerCallback]:
    from transformers.integrations.integration_utils import get_reporting_integration_callbacks

    for name in config.report_to:
        try:
            [make] = get_reporting_integration_callbacks([name])  # type: ignore[no-untyped-call]
            yield make()
        except Exception as error:  # its package is gone or broken since the launch was checked
            _tell_failure(sink, name, error)


def _name_run(run_id: str, run_dir: Path) -> None:
    """After a resume the curves go on where they were, and only curves are sent: no weights."""
    os.environ.setdefault("WANDB_PROJECT", PROJECT)
    os.environ["WANDB_RUN_ID"], os.environ["WANDB_RESUME"] = run_id, "allow"
    os.environ["WANDB_LOG_MODEL"] = "false"
    all_runs = os.environ.get(TENSORBOARD_DIR)
    folder = Path(all_runs).expanduser() / run_id if all_runs else run_dir / "tensorboard"
    os.environ[TENSORBOARD_DIR] = str(folder)


def _tell_failure(sink: RunSink, name: str, error: Exception) -> None:
    why = " ".join(str(error).split())[:300] or type(error).__name__
    sink.add_event("mirror_failed", f"{name} gets no more curves, the run goes on: {why}")
