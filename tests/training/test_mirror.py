"""Curves that are mirrored elsewhere: what is sent, under which step, and what a failure costs."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from transformers import TrainerCallback, TrainingArguments

from rft_core.config import RunConfig, make_config, to_yaml
from rft_core.config.loading import parse_yaml
from rft_core.errors import BadInputError
from rft_core.jobs.checks import list_problems
from rft_core.paths import get_run_dir
from rft_core.store.run_reader import events_frame, metrics_frame, open_run
from rft_core.store.run_writer import StepRecord
from rft_core.training.mirror import MirroredSink
from rft_core.training.run_sink import SilentSink
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process

REPORTERS = ("trackio", "wandb", "tensorboard")
MISSING = [name for name in REPORTERS if importlib.util.find_spec(name) is None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the mirror sets for its callbacks is gone after the test."""
    for name in ("WANDB_PROJECT", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_LOG_MODEL"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", "")


class Kept(TrainerCallback):
    """Keeps what it is told; fails from the step on at which it is to."""

    def __init__(self, fails_at: int = 1000) -> None:
        self.logs: list[tuple[int, dict[str, Any]]] = []
        self.ended = False
        self._fails_at = fails_at

    def on_log(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        if state.global_step >= self._fails_at:
            raise ConnectionError("the server is gone")
        self.logs.append((state.global_step, dict(event["logs"])))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.ended = True


class Events(SilentSink):
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.events: list[tuple[str, str]] = []

    def add_event(self, kind: str, message: str) -> None:
        self.events.append((kind, message))

    def record_step(self, record: StepRecord, *, max_steps: int) -> None:
        self.steps.append(record.step)


def _arguments(folder: Path) -> TrainingArguments:
    return TrainingArguments(output_dir=str(folder), report_to="none", use_cpu=True)


def _record(sink: MirroredSink, step: int, split: Any = "train") -> None:
    sink.record_step(StepRecord(step, split, {"reward": step / 10}, [], []), max_steps=9)


def test_every_step_is_mirrored_and_validation_told_apart(tmp_path: Path) -> None:
    kept, sink = Kept(), Events()
    both = MirroredSink(sink, [kept], _arguments(tmp_path))
    _record(both, 0, "validation")
    _record(both, 5)
    both.finish()
    assert kept.logs == [(0, {"eval_reward": 0.0}), (5, {"reward": 0.5})]
    assert sink.steps == [0, 5] and kept.ended


def test_a_mirror_that_fails_is_named_once_and_costs_the_others_nothing(tmp_path: Path) -> None:
    broken, kept, sink = Kept(fails_at=2), Kept(), Events()
    both = MirroredSink(sink, [broken, kept], _arguments(tmp_path))
    for step in (1, 2, 3):
        _record(both, step)
    both.finish()
    assert [step for step, _ in broken.logs] == [1] and not broken.ended
    assert [step for step, _ in kept.logs] == [1, 2, 3]
    assert sink.steps == [1, 2, 3]
    [(kind, message)] = sink.events
    assert kind == "mirror_failed" and "the server is gone" in message


def test_report_to_is_read_as_people_write_it() -> None:
    assert RunConfig().report_to == ()
    for text in ("none", "", None, ()):
        assert make_config({"report_to": text}).report_to == ()
    assert make_config({"report_to": "wandb, tensorboard"}).report_to == ("wandb", "tensorboard")
    config = RunConfig(report_to=("trackio",))
    assert make_config(parse_yaml(to_yaml(config))) == config
    with pytest.raises(BadInputError, match="report_to"):
        make_config({"report_to": "mlflow"})


@pytest.mark.skipif(not MISSING, reason="all of them are installed here")
def test_a_missing_package_is_refused_before_launch_with_the_pip_line(
    tmp_path: Path, model: Path
) -> None:
    config = add_tiny_run(tmp_path, model)
    assert not [p for p in list_problems(tmp_path, config) if p.where == "report_to"]
    asked = config.model_copy(update={"report_to": (MISSING[0],)})
    [problem] = [p for p in list_problems(tmp_path, asked) if p.where == "report_to"]
    assert f"pip install {MISSING[0]}" in problem.fix


@pytest.mark.skipif(not MISSING, reason="all of them are installed here")
def test_a_package_that_went_away_does_not_end_the_run(tmp_path: Path, model: Path) -> None:
    add_tiny_run(tmp_path, model, report_to=(MISSING[0],), max_steps=2)
    assert live_in_process(tmp_path).outcome == "finished"
    with open_run(tmp_path, "tiny") as db:
        events = events_frame(db)
    [told] = events[events["kind"] == "mirror_failed"]["message"]
    assert told.startswith(f"{MISSING[0]} gets no more curves")


def test_nothing_is_mirrored_unless_it_is_asked_for(tmp_path: Path) -> None:
    """Not even imported: what is not there cannot send."""
    code = (
        "import sys, rft_core.training.run_session; "
        f"print([name for name in {REPORTERS} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.skipif("tensorboard" in MISSING, reason="tensorboard is not installed here")
def test_tensorboard_gets_the_curves_of_a_run_in_stages(tmp_path: Path, model: Path) -> None:
    """The real package: what is in its files is what the run has recorded, step by step."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    add_tiny_run(
        tmp_path, model, report_to="tensorboard", stages="grpo 2; grpo 3", eval_steps=2,
    )  # fmt: skip
    assert live_in_process(tmp_path).outcome == "finished"
    read = EventAccumulator(str(get_run_dir(tmp_path, "tiny") / "tensorboard"))
    read.Reload()
    with open_run(tmp_path, "tiny") as db:
        frame = metrics_frame(db)
    for split, prefix in (("train", "train/"), ("validation", "eval/")):
        for name in ("reward", "rewards/short/mean"):
            rows = frame[(frame["split"] == split) & (frame["name"] == name)]
            mirrored = read.Scalars(prefix + name)
            assert [one.step for one in mirrored] == list(rows["step"])
            assert [one.value for one in mirrored] == pytest.approx(list(rows["value"]))
    assert [one.step for one in read.Scalars("train/loss")] == [1, 2, 3, 4, 5]
