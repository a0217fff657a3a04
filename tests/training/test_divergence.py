"""A policy that has diverged ends its run at once, and nothing of it is kept."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rft_core.errors import BadInputError
from rft_core.figures import Curves, extend_curves
from rft_core.paths import get_adapter_dir, get_checkpoints_dir
from rft_core.store.run_reader import last_metrics, list_checkpoints, metrics_frame, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.training.recorded import Recorded
from rft_core.training.saving import adapter_files
from rft_core.training.saving.finite import are_finite
from tests.tiny_run import add_tiny_run, live_in_process

# No bound of today allows these together; a stored run of an older version may hold them.
EXPLOSIVE = {"learning_rate": 1e25, "max_grad_norm": 1e30, "lora_alpha": 1_000_000, "beta": 10.0}


def add_explosive_run(
    runs_dir: Path, model: Path, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> None:
    from rft_core.config import RunConfig
    from tests import tiny_run

    def construct(**values: Any) -> RunConfig:
        legal = {name: value for name, value in values.items() if name not in EXPLOSIVE}
        return RunConfig(**legal).model_copy(update=EXPLOSIVE)

    monkeypatch.setattr(tiny_run, "RunConfig", construct)
    add_tiny_run(runs_dir, model, max_steps=30, save_steps=1, eval_steps=0, warmup_steps=0, **more)
    monkeypatch.undo()


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_a_run_that_explodes_fails_with_the_step_the_last_good_checkpoint_and_the_cure(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    add_explosive_run(runs_dir, tiny_model, monkeypatch, method=method)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "failed"
    assert "Training diverged at step" in ending.message
    assert "learning_rate" in ending.message
    with open_run(runs_dir, "tiny") as db:
        checkpoints, frame = list_checkpoints(db), metrics_frame(db)
    saved = [c.step for c in checkpoints]
    if saved:
        assert f"checkpoint is that of step {saved[-1]}" in ending.message
    else:
        assert "launch the run again" in ending.message
    for path in get_checkpoints_dir(runs_dir, "tiny").glob("step-*/adapter_model.safetensors"):
        assert all(tensor.isfinite().all() for tensor in load_file(path).values())
    assert not get_adapter_dir(runs_dir, "tiny").exists()
    losses = frame[(frame["name"] == "loss") & (frame["split"] == "train")]
    failed_at = int(ending.message.split("diverged at step ")[1].split(":")[0])
    assert failed_at not in set(losses["step"])  # nothing is drawn of a step that was lost


@pytest.mark.parametrize("broken", ["loss", "gradient", "weight"])
def test_whatever_is_not_finite_first_is_named_and_the_checkpoint_before_it_is_kept(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=6, save_steps=1, eval_steps=0)
    original = Recorded.training_step

    def spoil(self: Recorded, *args: Any, **kwargs: Any) -> torch.Tensor:
        weight = next(self.trained_parameters())
        if self.state.global_step == 3 and broken == "loss":
            monkeypatch.setattr(
                type(self), "_compute_loss", lambda s, m, i: weight.sum() * math.nan
            )
        loss = original(self, *args, **kwargs)
        if self.state.global_step == 3 and broken == "gradient":
            assert weight.grad is not None
            weight.grad[0, 0] = math.inf
        if self.state.global_step == 3 and broken == "weight":
            # As an optimizer would that overflows: the gradient is fine, its result is not.
            step = self.optimizer.step
            monkeypatch.setattr(
                self.optimizer, "step",
                lambda *a, **k: (step(*a, **k), weight.data.fill_(math.nan))[0],
            )  # fmt: skip
        return loss

    monkeypatch.setattr(Recorded, "training_step", spoil)
    ending = live_in_process(runs_dir)
    words = {"loss": "the loss is nan", "gradient": "the gradient holds", "weight": "the adapter"}
    assert ending.outcome == "failed" and words[broken] in ending.message
    assert "diverged at step 4" in ending.message
    assert "good checkpoint is that of step 3" in ending.message


def test_an_adapter_that_is_not_finite_is_not_saved(tmp_path: Path) -> None:
    class Broken(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.tensor([1.0, math.nan]))

    with pytest.raises(BadInputError, match="not finite"):
        adapter_files.save_adapter(Broken(), tmp_path)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_large_numbers_are_finite_and_the_smallest_nan_is_not() -> None:
    large = torch.full((1000,), 3e38)
    assert are_finite([large, None, large])
    assert not are_finite([large, torch.tensor([math.nan]), large])
    assert not are_finite([torch.tensor([-math.inf])])
    assert are_finite([])


def test_a_metric_that_is_not_finite_is_a_gap_in_its_curve(runs_dir: Path) -> None:
    writer = RunWriter(runs_dir, "gaps")
    writer.start_attempt(from_step=0, pid=1)
    for step, kl in ((1, 0.1), (2, math.nan), (3, math.inf), (4, 0.4)):
        writer.record_step(StepRecord(step, "train", {"kl": kl, "loss": 0.5}), max_steps=4)
    writer.close()
    with open_run(runs_dir, "gaps") as db:
        frame, last = metrics_frame(db), last_metrics(db)
    curve = extend_curves(Curves(), frame).get("kl")
    assert curve is not None and list(curve.step) == [1, 2, 3, 4]
    assert [math.isnan(value) for value in curve.value] == [False, True, True, False]
    assert last == {"kl": 0.4, "loss": 0.5}
