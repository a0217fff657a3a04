"""A run's watch over its reward models: when their scores may drive, and when they lead astray.

At first a reward model's score is only looked at (`reward_model_observed_steps`). Once it drives,
the run ends where the score rises while the rules that decide what is right fall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from rft_core.config import RunConfig, StagePlan
from rft_core.diagnosis.overoptimisation import find_overoptimisation
from rft_core.rewards.contract import LEARNED_GRADER, RewardSet
from rft_core.rewards.deciding import find_deciding
from rft_core.rewards.sampled_batch import SampledBatch

StepMeans = Mapping[str, Mapping[int, float]]  # of each reward function, by step


class RewardWatch:
    """`past`: the means of the steps that are recorded, so that a resumed run watches on."""

    def __init__(self, reward_set: RewardSet | None, past: StepMeans) -> None:
        entries = reward_set.entries if reward_set else ()
        learned = [entry for entry in entries if entry.grader == LEARNED_GRADER]
        self._learned = frozenset(entry.name for entry in learned)
        self._paid = [entry.name for entry in learned if entry.weight > 0]
        deciding = find_deciding(reward_set) if reward_set else []
        self._rules = [e.name for e in deciding if e.grader != LEARNED_GRADER]
        self._means = {name: dict(past.get(name, {})) for name in (*self._paid, *self._rules)}
        self._plan: StagePlan[RunConfig] | None = None

    def begin_stage(self, plan: StagePlan[RunConfig]) -> None:
        self._plan = plan

    @property
    def _first_driven(self) -> int:
        """The first step of the stage whose learned scores count."""
        assert self._plan is not None
        return self._plan.first_step + self._plan.config.reward_model_observed_steps + 1

    def list_only_logged(self, step: int) -> frozenset[str]:
        """The functions whose weight is 0 in training step `step`."""
        is_observed = self._plan is not None and step < self._first_driven
        return self._learned if is_observed else frozenset()

    def find_reason_to_end(self, step: int, batch: SampledBatch) -> str:
        """Why the run should end with step `step`, whose batch this is; empty if it can go on."""
        for name, means in self._means.items():
            known = [s.scores[name] for s in batch.samples if s.scores[name] is not None]
            if known:
                means[step] = fmean(float(score or 0.0) for score in known)
        if self._plan is None or not self._plan.config.stop_when_overoptimised or not self._rules:
            return ""
        for name in self._paid:
            if reason := self._explain(name):
                return reason
        return ""

    def _explain(self, learned: str) -> str:
        series = [self._means[name] for name in (learned, *self._rules)]
        steps = sorted(s for s in set.intersection(*map(set, series)) if s >= self._first_driven)
        rule = [fmean(means[s] for means in series[1:]) for s in steps]
        found = find_overoptimisation([series[0][s] for s in steps], rule)
        if found is None:
            return ""
        best = steps[found.best_at]
        return (
            f"The policy has learned to please its reward model: '{learned}' rose from "
            f"{_arrow(found.learned)} since step {best} while {_join(self._rules)} fell from "
            f"{_arrow(found.rule)}. Fork from a checkpoint near step {best} with a higher beta or "
            "a lower learning_rate; with stop_when_overoptimised=false it goes on all the same"
        )


def _arrow(values: tuple[float, float]) -> str:
    return f"{values[0]:.2f} to {values[1]:.2f}"


def _join(names: Sequence[str]) -> str:
    return " and ".join(f"'{name}'" for name in names)
