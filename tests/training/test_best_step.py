"""The best step by held-out rows: kept, ended with, and waited for no longer than was asked."""

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rft_core.config import RunConfig, make_config
from rft_core.diagnosis.best_step import BestStep, find_best
from rft_core.paths import get_adapter_dir, get_checkpoint_dir
from rft_core.store.adapters import get_adapter
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_checkpoints, open_run, validation_values
from rft_core.store.state.status import get_run_status
from tests.tiny_run import add_tiny_run, live_in_process
from tests.training.test_methods import read_metrics

NEVER_BETTER = 1e6  # a threshold that nothing passes: no validation improves on the first
ENDS_EARLY = {
    "max_steps": 20, "eval_steps": 2, "save_steps": 2, "early_stopping_patience": 2,
    "early_stopping_threshold": NEVER_BETTER,
}  # fmt: skip
WEIGHTS = "adapter_model.safetensors"


def stand(values: list[float], **settings: Any) -> BestStep | None:
    return find_best(enumerate(values, start=1), make_config(settings).best_rule)


def test_the_best_is_what_is_better_at_all_and_patience_is_lost_to_the_threshold() -> None:
    assert stand([]) is None
    assert stand([0.2, 0.5, 0.4]) == BestStep(2, 0.5, 1)
    assert stand([0.2, 0.5, 0.5, 0.5]) == BestStep(2, 0.5, 2)
    assert stand([0.5, 0.2, 0.4], greater_is_better=False) == BestStep(2, 0.2, 1)
    assert stand([0.5, 0.52, 0.54], early_stopping_threshold=0.05) == BestStep(3, 0.54, 2)
    assert stand([0.5, 0.6], early_stopping_threshold=0.05) == BestStep(2, 0.6, 0)
    assert stand([0.5, math.nan, math.inf]) == BestStep(1, 0.5, 2)


def test_a_run_ends_as_finished_with_the_reason_when_its_patience_is_over(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, **ENDS_EARLY)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "finished"
    assert "'reward' at validation has not improved" in ending.message
    assert "for 2 validations. It was best after step" in ending.message
    with open_run(runs_dir, "tiny") as db:
        assert list(validation_values(db, "reward")) == [0, 2, 4, 6]  # the first is before training
        assert db.execute("SELECT max(step) FROM steps").fetchone()[0] == 6
    with open_index(runs_dir) as index:
        status = get_run_status(index, runs_dir, "tiny")
    assert (status.state, status.step, status.message) == ("finished", 6, ending.message)
    assert read_manifest(get_adapter_dir(runs_dir, "tiny"))["files"]


@pytest.mark.parametrize("stop_during", [4, 7])
def test_a_stop_and_a_resume_change_nothing_of_when_it_ends(
    tiny_model: Path, runs_dir: Path, stop_during: int
) -> None:
    """7: the stop comes with the very validation that ends the run, and nothing is trained."""
    for name in ("straight", "resumed"):
        add_tiny_run(runs_dir, tiny_model, name, **ENDS_EARLY)
    straight = live_in_process(runs_dir, "straight")
    assert live_in_process(runs_dir, "resumed", stop_during=stop_during).outcome == "stopped"
    resumed = live_in_process(runs_dir, "resumed")
    assert (resumed.outcome, resumed.message) == (straight.outcome, straight.message)
    one, other = (read_metrics(runs_dir, name) for name in ("straight", "resumed"))
    pd.testing.assert_frame_equal(one, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("greater", [True, False])
def test_the_best_checkpoint_stays_whole_and_is_what_the_run_ends_with(
    tiny_model: Path, runs_dir: Path, greater: bool
) -> None:
    add_tiny_run(
        runs_dir, tiny_model, max_steps=6, eval_steps=1, save_steps=0, save_total_limit=1,
        load_best_model_at_end=True, metric_for_best_model="rewards/letter/mean",
        greater_is_better=greater, learning_rate=0.1,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        values = validation_values(db, "rewards/letter/mean")
        resumable = {c.step for c in list_checkpoints(db) if c.resumable}
    del values[0]
    assert len(set(values.values())) > 1, "every step is the best: nothing is shown"
    choose = max if greater else min
    best = choose(values, key=lambda step: values[step])  # the first of equals
    assert resumable == {best, 6}
    used = get_adapter(runs_dir, "tiny").path  # what exports, chat and evaluations take
    assert used == get_adapter_dir(runs_dir, "tiny")
    assert read_manifest(used)["step"] == best
    expected = get_checkpoint_dir(runs_dir, "tiny", best) / WEIGHTS
    assert (used / WEIGHTS).read_bytes() == expected.read_bytes()


def test_a_measure_that_is_not_measured_is_one_clear_error_before_training(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, load_best_model_at_end=True, metric_for_best_model="f1")
    ending = live_in_process(runs_dir)
    assert ending.outcome == "failed"
    assert "No validation measures 'f1'" in ending.message
    assert "rewards/letter/mean" in ending.message
    with open_run(runs_dir, "tiny") as db:
        assert db.execute("SELECT count(*) FROM steps").fetchone()[0] == 0


def test_of_a_run_in_stages_the_last_one_ends_early(tiny_model: Path, runs_dir: Path) -> None:
    stages = {"stages": "grpo 6; rloo 20", "save_steps": 0}
    settings = {**ENDS_EARLY, **stages}
    del settings["max_steps"]
    add_tiny_run(runs_dir, tiny_model, **settings)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "finished" and "Ended early" in ending.message
    with open_run(runs_dir, "tiny") as db:
        assert db.execute("SELECT max(step) FROM steps").fetchone()[0] == 12


def read_manifest(folder: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return manifest


def test_the_settings_are_read_as_transformers_names_them() -> None:
    config = make_config({"load_best_model_at_end": "true", "early_stopping_patience": "3"})
    assert isinstance(config, RunConfig)
    assert config.load_best_model_at_end and config.early_stopping_patience == 3
