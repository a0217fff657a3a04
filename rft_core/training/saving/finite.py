"""A policy that has diverged: found at its first number that is not finite, and never kept.

Once a loss, a gradient or a weight is NaN or infinite nothing can be learned any more, and whatever
is saved from then on is worthless. The run ends as failed, before anything of that step is saved.
The opposite, weights that stand still, is measured here too: see `StepLength`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch

from rft_core.errors import RftError


class DivergedError(RftError):
    """A loss, a gradient or a weight is not finite: this policy is lost."""


class StepLength:
    """How far a step of the optimizer moves the trained weights, as a share of their own length.

    A few thousandths are usual. At next to nothing a run trains nothing, however its loss looks.
    """

    def __init__(self) -> None:
        self._before: list[torch.Tensor] = []

    def begin(self, parameters: Iterable[torch.Tensor]) -> None:
        """Just before the optimizer's step."""
        self._before = [parameter.detach().clone() for parameter in parameters]

    def end(self, parameters: Iterable[torch.Tensor]) -> float | None:
        """After it; None where none was begun. Keeps no copy longer than the step takes."""
        before, self._before = self._before, []
        if not before:
            return None
        length = float(torch.nn.utils.get_total_norm(before))
        moved = [now.detach() - old for now, old in zip(parameters, before, strict=True)]
        return float(torch.nn.utils.get_total_norm(moved)) / length if length else None


def check_number(value: float, what: str, step: int, last_good: int) -> None:
    """Raise unless `value` is finite. `last_good`: the step of the newest checkpoint; 0: none."""
    if not math.isfinite(value):
        raise diverged(f"{what} is {value}", step, last_good)


def check_tensors(
    tensors: Iterable[torch.Tensor | None], what: str, step: int, last_good: int
) -> None:
    """Raise unless every element is finite."""
    if not are_finite(tensors):
        raise diverged(f"{what} holds numbers that are not finite", step, last_good)


def are_finite(tensors: Iterable[Any]) -> bool:
    given = [tensor for tensor in tensors if tensor is not None]
    # The largest absolute value of all, in which NaN and infinity survive; one pass, no overflow.
    return not given or bool(torch.isfinite(torch.nn.utils.get_total_norm(given, math.inf)))


def diverged(what: str, step: int, last_good: int) -> DivergedError:
    """What to raise. `what` happened in `step`."""
    calmer = "a lower learning_rate, a smaller lora_alpha / lora_r, or max_grad_norm=1"
    if last_good:
        fix = f"The last good checkpoint is that of step {last_good}: fork it with {calmer}"
    else:
        fix = f"There is no checkpoint before it: launch the run again with {calmer}"
    return DivergedError(
        f"Training diverged at step {step}: {what}", "The policy of this step is not kept", fix
    )
