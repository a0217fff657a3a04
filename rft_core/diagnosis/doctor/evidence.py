"""What is known of a run when it is diagnosed: its curves, its clock, its groups and its settings.

Everything may be missing. A rule that needs what is not there says nothing: nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rft_core.config import RunConfig
from rft_core.diagnosis.doctor.measures import WINDOW, Values
from rft_core.figures import Curve, Curves
from rft_core.types import Problem


@dataclass(frozen=True)
class PhaseUnderWay:
    """What the worker does now. `silent_for`: seconds since it last wrote that it goes on.

    `closed`: seconds that the same phase took in the newest steps in which it came to its end.
    """

    phase: str
    silent_for: float
    closed: tuple[float, ...] = ()


@dataclass(frozen=True)
class GroupsSeen:
    """Of the groups of the newest steps: how many, and how many hold one text only."""

    groups: int
    identical: int


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """Of the stage that is under way, which begins after `first_step`.

    `batch_size` completions a step in groups of `group_size` (0: not known), `max_steps`: the step
    at which it ends. `weights` and `tops`: of each reward function how it counts, and its highest
    score so far. `flat`: what was found in the completions themselves. `silent_for`: seconds since
    the last sign of life of a worker that should live. `step_phases`: seconds by phase of the
    newest steps, oldest first. `memory_left`: share of the machine's memory that is free meanwhile.
    """

    curves: Curves = field(default_factory=Curves)
    first_step: int = 0
    max_steps: int = 0
    batch_size: int = 0
    group_size: int = 0
    samples: bool = True
    config: RunConfig | None = None
    weights: Mapping[str, float] = field(default_factory=dict)
    tops: Mapping[str, float] = field(default_factory=dict)
    flat: Problem | None = None
    groups: GroupsSeen | None = None
    under_way: PhaseUnderWay | None = None
    silent_for: float | None = None
    step_phases: Sequence[Mapping[str, float]] = ()
    memory_left: float | None = None

    def get(self, name: str, split: str = "train") -> Curve | None:
        """The points of this stage that are numbers; None without any."""
        curve = self.curves.get(name, split)
        if curve is None:
            return None
        first = self.first_step + (split == "train")
        kept = (curve.step >= first) & np.isfinite(curve.value)
        if not kept.any():
            return None
        if kept.all():
            return curve
        return Curve(curve.step[kept], curve.minutes[kept], curve.tokens[kept], curve.value[kept])

    def values(self, name: str, split: str = "train") -> Values:
        curve = self.get(name, split)
        return np.array([]) if curve is None else curve.value

    @cached_property
    def step(self) -> int:
        """The newest training step that was recorded."""
        return max(self.curves.last_step, self.first_step)

    @property
    def steps_left(self) -> int | None:
        return max(self.max_steps - self.step, 0) if self.max_steps else None

    @property
    def num_groups(self) -> int:
        """Of a step; 0 where it is not known."""
        return self.batch_size // self.group_size if self.group_size else 0

    @cached_property
    def paid(self) -> tuple[str, ...]:
        """The reward functions that were measured in this stage and count."""
        return tuple(
            name
            for name in self.curves.functions
            if self.weights.get(name, 1.0) > 0 and self.get(f"rewards/{name}/mean") is not None
        )

    @cached_property
    def earned(self) -> Mapping[str, float]:
        """Of each function that counts, the share of its full score that is earned of late.

        Full is 1, or its highest score where that is more.
        """
        shares = {}
        for name in self.paid:
            values = self.values(f"rewards/{name}/mean")
            full = max(1.0, self.tops.get(name, 0.0), float(values.max()))
            shares[name] = float(values[-WINDOW:].mean()) / full
        return shares
