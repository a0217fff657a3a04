"""A validation: answered by a model that is only read, with random numbers of its own."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import torch

from rft_core.sampling.sampler import OnStep
from rft_core.store.run_writer import PartsDone


class ValidationStopped(Exception):  # noqa: N818 -- asked for, and no fault of anything
    """A stop was asked for while the validation prompts were being answered."""


class StageEnded(Exception):  # noqa: N818 -- nothing failed
    """A resumed stage has nothing left to train: its validations had ended it."""


class Answering(Protocol):
    """What `recorded.Recorded` is to a validation, with its `StageParts` and its `Recorder`."""

    parts: Any
    recorder: Any
    model: Any
    args: Any

    def check_stop(self) -> None: ...
    def sample(
        self, phase: str, prompts: Sequence[Sequence[int]], *, on_step: OnStep
    ) -> list[list[int]]: ...


def answer_validation(trainer: Answering) -> tuple[list[int], list[list[int]]]:
    """The positions of the validation prompts, each as often as it is answered, and the token ids
    of the answers. Raises `ValidationStopped`.
    """
    prompts, each = trainer.parts.prompts, trainer.parts.config.num_generations_eval
    positions = [position for position in prompts.validated for _ in range(each)]
    per_batch = max(1, trainer.args.per_device_eval_batch_size // each) * each
    count, began_at = math.ceil(len(positions) / per_batch), time.time()
    ids: list[list[int]] = []
    with evaluating(trainer.model), own_randomness(trainer.args.seed):
        for number in range(count):
            batch = positions[number * per_batch :][:per_batch]
            asked = [prompts.validation[at].token_ids for at in batch]
            show = _watch_batch(trainer, number, count, began_at)
            ids += trainer.sample("validating", asked, on_step=show)
    return positions, ids


def _watch_batch(trainer: Answering, number: int, count: int, began_at: float) -> OnStep:
    """Says which batch of how many begins; returns what shows each of its tokens.

    A batch may end before its longest completion could: the time left is never too short.
    """
    longest = trainer.parts.config.max_completion_length
    what = f"{trainer.parts.prompts.which_validated}, batch {number + 1} of {count}"
    trainer.check_stop()
    trainer.recorder.set_phase("validating", what, PartsDone(number, count, began_at))

    def show(num_tokens: int) -> None:
        trainer.check_stop()
        done = PartsDone(number + min(num_tokens / longest, 1.0), count, began_at)
        trainer.recorder.pulse("validating", f"{what}, token {num_tokens}", done)

    return show


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
