"""Preflight: from a dry run on the base model, say what the first training step will do.

Pure functions over what was tried; nothing is sampled or scored here. The parts: what the step will
record (`forecast.py`), which prompts teach (`prompts.py`), what is wrong and
what to do about it (`warnings.py`).
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from pydantic import TypeAdapter, ValidationError

from rft_core.diagnosis.preflight.answers import list_unparsable
from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.diagnosis.preflight.examples import BestAndWorst
from rft_core.diagnosis.preflight.forecast import Forecast, make_forecast
from rft_core.diagnosis.preflight.prompts import PassRates, PassRule, measure_pass_rates
from rft_core.diagnosis.preflight.warnings import find_warnings, sort_warnings
from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport
from rft_core.types import Problem


@dataclass(frozen=True)
class FunctionSummary:
    """One reward function over the dry run. Mean and range are None where nothing was scored."""

    name: str
    mean: float | None
    lowest: float | None
    highest: float | None
    unscored: float
    seconds: float


@dataclass(frozen=True)
class Preflight:
    """The verdict on a dry run. Shares are of what was tried; `forecast` is of the first step.

    `unparsable` is None where no function looks for an answer, `forecast` for a single prompt.
    `examples`: of a run's preflight, whose completions are stored nowhere else.
    """

    functions: tuple[FunctionSummary, ...]
    mean_reward: float | None
    zero_variance: float
    truncated: float
    unparsable: float | None
    pass_rates: PassRates | None
    forecast: Forecast | None
    warnings: tuple[Problem, ...]
    examples: BestAndWorst = field(default_factory=BestAndWorst)

    @property
    def can_learn(self) -> bool:
        return not any(warning.severity == "error" for warning in self.warnings)

    def with_warnings(self, more: Sequence[Problem]) -> Preflight:
        """The same with warnings that were found elsewhere."""
        return replace(self, warnings=tuple(sort_warnings([*self.warnings, *more])))

    @property
    def gravest(self) -> Problem | None:
        """What to mend first; None where there is nothing but notes."""
        return next((warning for warning in self.warnings if warning.severity != "info"), None)

    @property
    def verdict(self) -> str:
        """One sentence: the gravest problem with its cure, or what training begins with."""
        if self.gravest:
            return self.gravest.sentence
        if self.forecast is None or self.forecast.reward is None:
            return "Nothing speaks against training."
        return f"Training can start: {describe_start(self.forecast)}"


def write_preflight(preflight: Preflight) -> str:
    """As JSON, which `read_preflight` reads."""
    return _adapter().dump_json(preflight).decode()


def read_preflight(text: str) -> Preflight | None:
    """None for one that another version of this program has written otherwise."""
    try:
        return _adapter().validate_json(text)
    except ValidationError:
        return None


@cache
def _adapter() -> TypeAdapter[Preflight]:
    return TypeAdapter(Preflight)


def describe_start(forecast: Forecast) -> str:
    """What the first step will be like, in words."""
    teaching, reward = forecast.teaching, forecast.reward
    groups = (
        f"about {teaching.expected:.0f} of the {forecast.step.prompts} groups of a step will "
        f"carry a gradient ({teaching.low:.0f} to {teaching.high:.0f})"
    )
    if reward is None:
        return f"{groups}."
    return f"{groups}, and the reward will begin between {reward.low:.2f} and {reward.high:.2f}."


def check_dry_run(data: DryRunData, pass_rule: PassRule | None = None) -> Preflight:
    """The verdict on what was tried. `pass_rule`: when a completion counts as right."""
    if not data.scoring.samples:
        nothing = Problem(
            "empty", "error", "", "Nothing was scored.", "Sample or paste some completions."
        )
        return Preflight((), None, 0.0, 0.0, None, None, None, (nothing,))
    unparsable = list_unparsable(data)
    pass_rates = measure_pass_rates(data, pass_rule)
    return Preflight(
        functions=tuple(_summarise(data, report) for report in data.scoring.reports),
        mean_reward=_mean(data.rewards),
        zero_variance=zero_variance_share(data.rewards, data.group_size),
        truncated=statistics.fmean(data.truncated) if data.truncated else 0.0,
        unparsable=None if unparsable is None else statistics.fmean(unparsable),
        pass_rates=pass_rates,
        forecast=make_forecast(data, unparsable),
        warnings=tuple(find_warnings(data, pass_rates, unparsable)),
    )


def _summarise(data: DryRunData, report: FunctionReport) -> FunctionSummary:
    scores = data.scores(report.name)
    known = [score for score in scores if score is not None]
    return FunctionSummary(
        report.name,
        _mean(scores),
        min(known, default=None),
        max(known, default=None),
        1 - len(known) / len(scores),
        report.seconds,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
