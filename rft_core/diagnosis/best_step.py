"""Which validation of a run stood best, and when its measure has stopped getting better.

What people want to keep is judged on rows that no step has learned from. Everything follows from
the validations that are recorded, so that a resumed run knows what the one that was stopped knew.
The words are transformers': `metric_for_best_model`, `greater_is_better`, `early_stopping_patience`
and `early_stopping_threshold`; of a run in stages they are the last stage's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rft_core.config import RunConfig, StagePlan, get_method
from rft_core.config.settings.schedule import BestRule
from rft_core.data.pair_accuracy import ACCURACY
from rft_core.errors import BadInputError

REWARD = "reward"


@dataclass(frozen=True)
class BestStep:
    """`value` of the measure after `step`; `without`: validations since one that improved it."""

    step: int
    value: float
    without: int


def name_measure(config: RunConfig) -> str:
    """The validation metric that decides: as chosen, else the reward; of pairs, their accuracy."""
    if config.best_rule.metric:
        return config.best_rule.metric
    return ACCURACY if get_method(config.method).family == "pairs" else REWARD


def find_best(values: Iterable[tuple[int, float]], rule: BestRule) -> BestStep | None:
    """`values`: the measure by step, in order. What is not finite improves nothing.

    As transformers has it: the best is what is better at all, and patience is lost by what is not
    better than the best before by more than the threshold.
    """
    sign = 1 if rule.greater_is_better else -1
    best: BestStep | None = None
    for step, value in values:
        if not math.isfinite(value):
            if best:
                best = BestStep(best.step, best.value, best.without + 1)
            continue
        gain = math.inf if best is None else sign * (value - best.value)
        improves = best is None or gain > rule.threshold
        without = 0 if improves else best.without + 1 if best else 0
        if best is None or gain > 0:
            best = BestStep(step, value, without)
        else:
            best = BestStep(best.step, best.value, without)
    return best


class BestWatch:
    """`past`: what the measure was after the steps that are recorded."""

    def __init__(self, past: Mapping[int, float]) -> None:
        self._values = dict(past)
        self._plan: StagePlan[RunConfig] | None = None
        self._is_last = False

    def begin_stage(self, plan: StagePlan[RunConfig], *, is_last: bool) -> None:
        self._plan, self._is_last = plan, is_last

    @property
    def best(self) -> BestStep | None:
        """Of the last stage's steps; None in others, and before its first validation."""
        if self._plan is None or not self._is_last:
            return None
        first = self._plan.first_step
        values = sorted((step, v) for step, v in self._values.items() if step > first)
        return find_best(values, self._plan.config.best_rule)

    @property
    def kept(self) -> BestStep | None:
        """The best, where the run is to keep it and end with it."""
        is_kept = self._plan is not None and self._plan.config.best_rule.is_kept
        return self.best if is_kept else None

    def note(self, step: int, metrics: Mapping[str, float]) -> None:
        """A validation. Raises `BadInputError` where it did not measure what is to decide."""
        if self._plan is None or not self._is_last:
            return
        config = self._plan.config
        name = name_measure(config)
        if name in metrics:
            self._values[step] = metrics[name]
        elif config.best_rule.is_wanted:
            raise BadInputError(
                f"No validation measures '{name}', by which the best step is to be known",
                f"It measures {', '.join(sorted(metrics)) or 'nothing'}",
                "Set metric_for_best_model to one of these",
            )

    def find_reason_to_end(self) -> str:
        """Why the run ends early; empty while it goes on."""
        best = self.best
        if best is None or self._plan is None:
            return ""
        config, rule = self._plan.config, self._plan.config.best_rule
        if not rule.patience or best.without < rule.patience:
            return ""
        than = f" by more than {rule.threshold:g}" if rule.threshold else ""
        return (
            f"Ended early: '{name_measure(config)}' at validation has not improved{than} for "
            f"{rule.patience} validation{'s' * (rule.patience > 1)}. It was best after step "
            f"{best.step}: {best.value:.4g}"
        )
