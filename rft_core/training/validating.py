"""What every validation needs: a model that is only read, random numbers of its own, and an end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


class ValidationStopped(Exception):  # noqa: N818 -- asked for, and no fault of anything
    """A stop was asked for while the validation prompts were being answered."""


class StageEnded(Exception):  # noqa: N818 -- nothing failed
    """A resumed stage has nothing left to train: its validations had ended it."""


@contextmanager
def evaluating(model: Any) -> Iterator[None]:
    """Without dropout and gradient checkpointing; TRL reads its own mode from the model's."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
