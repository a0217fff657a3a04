"""How far a step moves the weights: measured as it was, recorded in every step, and harmless."""

from pathlib import Path

import pytest
import torch

from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.training.saving.finite import StepLength
from tests.tiny_run import add_tiny_run, live_in_process


def test_it_is_the_length_of_the_change_by_that_of_the_weights() -> None:
    weights = [torch.tensor([3.0, 0.0]), torch.tensor([4.0])]  # of length 5
    step = StepLength()
    step.begin(weights)
    weights[0] += torch.tensor([0.0, 0.3])
    weights[1] -= 0.4
    assert step.end(weights) == pytest.approx(0.5 / 5)
    assert step.end(weights) is None  # no step was begun


def test_weights_that_stand_still_and_such_that_are_zero() -> None:
    step = StepLength()
    step.begin([torch.ones(3)])
    assert step.end([torch.ones(3)]) == 0.0
    step.begin([torch.zeros(3)])
    assert step.end([torch.ones(3)]) is None


def test_every_step_of_a_run_has_its_own(tiny_model: Path, runs_dir: Path) -> None:
    """The first step of a warm-up has a rate of 0, and moves nothing."""
    add_tiny_run(runs_dir, tiny_model, warmup_steps=1, eval_steps=0, gradient_accumulation_steps=2)
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        frame = metrics_frame(db)
    moved = frame[frame["name"] == "update_ratio"]["value"].tolist()
    assert len(moved) == 4 and moved[0] == 0.0 and all(value > 1e-3 for value in moved[1:])
