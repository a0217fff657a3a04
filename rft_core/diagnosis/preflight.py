"""Preflight: from a dry run's scores, say whether training could learn anything.

Pure functions over a `Scoring`; nothing is sampled or scored here. A warning names what was seen,
why it matters and what to change.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport, Scoring

MOST_ZERO_VARIANCE = 0.8  # share of groups without a gradient
MOST_TRUNCATED = 0.5
MOST_UNSCORED = 0.1
SLOW_SECONDS = 0.05  # per completion
USUAL_RANGE = (-10.0, 10.0)


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
class PreflightWarning:
    """`kind` is stable (for tests and links); `severity` is "error", "warning" or "note"."""

    kind: str
    severity: str
    message: str
    function: str | None = None


@dataclass(frozen=True)
class Preflight:
    """The verdict on a dry run."""

    functions: tuple[FunctionSummary, ...]
    mean_reward: float | None
    zero_variance: float
    truncated: float
    warnings: tuple[PreflightWarning, ...]

    @property
    def can_learn(self) -> bool:
        return not any(warning.severity == "error" for warning in self.warnings)


def check_dry_run(
    scoring: Scoring, num_generations: int, truncated: Sequence[bool] = ()
) -> Preflight:
    """The verdict; `truncated[i]` says that completion i was cut at `max_completion_length`."""
    rewards = [sample.reward for sample in scoring.samples]
    if not rewards:
        nothing = PreflightWarning("empty", "error", "Nothing was scored.")
        return Preflight((), None, 0.0, 0.0, (nothing,))
    functions = tuple(_summary(scoring, report) for report in scoring.reports)
    zero_variance = zero_variance_share(rewards, num_generations)
    cut = sum(truncated) / len(truncated) if truncated else 0.0
    warnings = _variance_warnings(rewards, zero_variance) + _truncation_warnings(cut)
    for report, function in zip(scoring.reports, functions, strict=True):
        warnings += _contract_warnings(report, function)
        warnings += _function_warnings(function, len(rewards))
    return Preflight(functions, _mean(rewards), zero_variance, cut, tuple(warnings))


def chance_warning(answers: Sequence[str], golds: Sequence[str]) -> PreflightWarning | None:
    """Warn when answers to multiple-choice questions are no better than one fixed letter."""
    if not answers:
        return None
    letter, count = Counter(answers).most_common(1)[0]
    accuracy = sum(a == g for a, g in zip(answers, golds, strict=True)) / len(golds)
    chance = max(Counter(golds).values()) / len(golds)
    if accuracy > chance:
        return None
    return PreflightWarning(
        "chance_level",
        "warning",
        f"{accuracy:.0%} right is chance level: always answering with the commonest letter gives "
        f"{chance:.0%}. The commonest answer was {letter}, {count / len(answers):.0%} of the time.",
    )


def _summary(scoring: Scoring, report: FunctionReport) -> FunctionSummary:
    scores = [sample.scores[report.name] for sample in scoring.samples]
    known = [score for score in scores if score is not None]
    return FunctionSummary(
        report.name,
        _mean(scores),
        min(known, default=None),
        max(known, default=None),
        1 - len(known) / len(scores),
        report.seconds,
    )


def _contract_warnings(report: FunctionReport, function: FunctionSummary) -> list[PreflightWarning]:
    """A broken contract stops the training only where no completion could be scored."""
    if not report.error:
        return []
    severity = "error" if function.unscored == 1 else "warning"
    return [PreflightWarning(report.error_kind or "error", severity, report.error, report.name)]


def _function_warnings(function: FunctionSummary, count: int) -> list[PreflightWarning]:
    name, found = function.name, []
    if function.unscored > MOST_UNSCORED:
        text = f"'{name}' could not judge {function.unscored:.0%} of the completions."
        found.append(PreflightWarning("unscored", "warning", text, name))
    if function.lowest is not None and function.lowest == function.highest and count > 1:
        text = f"'{name}' gave every completion {function.lowest:g}: it tells none from another."
        found.append(PreflightWarning("constant", "note", text, name))
    if function.lowest is not None and function.highest is not None:
        low, high = USUAL_RANGE
        if function.lowest < low or function.highest > high:
            text = (
                f"'{name}' ranges from {function.lowest:g} to {function.highest:g}: it will drown "
                "the others. Scale it to 0–1, or lower its weight."
            )
            found.append(PreflightWarning("out_of_range", "warning", text, name))
    if function.seconds > SLOW_SECONDS * count:
        text = (
            f"'{name}' took {function.seconds / count:.2g} s per completion: every training step "
            "waits for it."
        )
        found.append(PreflightWarning("slow", "warning", text, name))
    return found


def _variance_warnings(rewards: Sequence[float | None], share: float) -> list[PreflightWarning]:
    known = [reward for reward in rewards if reward is not None]
    if not known:
        return [
            PreflightWarning(
                "unscored", "error", "No completion has a reward: nothing can be learnt."
            )
        ]
    if share < MOST_ZERO_VARIANCE:
        return []
    if share < 1:
        text = f"In {share:.0%} of the groups all rewards are equal: they carry no gradient."
        return [PreflightWarning("no_variance", "warning", text)]
    cure = (
        "Ask for easier prompts, give partial credit, or warm up with SFT."
        if max(known) <= 0
        else "Ask for harder prompts or a stricter reward."
    )
    text = f"In every group all rewards are equal: there is no gradient to learn from. {cure}"
    return [PreflightWarning("no_variance", "error", text)]


def _truncation_warnings(share: float) -> list[PreflightWarning]:
    if share < MOST_TRUNCATED:
        return []
    severity = "error" if share == 1 else "warning"
    text = f"{share:.0%} of the completions were cut off: raise max_completion_length."
    return [PreflightWarning("truncated", severity, text)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else None
