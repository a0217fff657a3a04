"""A trained reward model as a reward function: its normalised score of each completion.

What loads and asks the model is handed in from above (`GraderContext.open_reward_model`): nothing
in `rewards` imports torch. Where nothing was handed in, as on a page, and before the run itself has
trained its model, completions stay unscored. A learned score says what people or graders seemed to
prefer, not what is right: it decides nothing (see `guess_truth`), and a policy that climbs it long
enough finds its mistakes (`diagnosis/overoptimisation.py`).
"""

from __future__ import annotations

import time

from rft_core.errors import BadInputError
from rft_core.rewards.contract import LEARNED_GRADER, Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_context import GraderContext, ScoreAnswers
from rft_core.rewards.grader_info import BatchGrader, GraderInfo, GraderOption

NOWHERE = (
    "Reward models are asked in training, dry runs, evaluations and when a run is scored again"
)
NOT_YET = "The reward model of this run is not trained yet"


class LearnedGrader:
    """One entry's reward model, loaded at the first batch that it is there for."""

    def __init__(self, entry: RewardEntry, context: GraderContext) -> None:
        self._name, self._context = entry.name, context
        self._options = REWARD_MODEL.with_defaults(entry)
        self._ask: ScoreAnswers | None = None

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]:
        """`timeout` is not kept: a forward pass ends by itself."""
        start = time.monotonic()
        if self._context.open_reward_model is None:
            report = FunctionReport(self._name, 0.0, error=f"{NOWHERE}.", error_kind="unusable")
            return [Grade(None, f"Not scored: {NOWHERE}.")] * len(batch), report
        if self._ask is None:
            run, step = self._options["run"], self._options["step"] or None
            self._ask = self._context.open_reward_model(run, step)
        if self._ask is None:
            return [Grade(None, f"{NOT_YET}.")] * len(batch), FunctionReport(self._name, 0.0)
        scores = self._ask(batch.prompts, batch.completions)
        grades = [Grade(score, _explain(score)) for score in scores]
        return grades, FunctionReport(self._name, time.monotonic() - start)

    def close(self) -> None:
        self._ask = None


def _explain(score: float) -> str:
    side = "above" if score >= 0 else "below"
    return f"{abs(score):.2f} standard deviations {side} the mean of its training answers."


def open_learned_grader(entry: RewardEntry, context: GraderContext) -> BatchGrader:
    return LearnedGrader(entry, context)


def check_learned_grader(entry: RewardEntry) -> None:
    if entry.options.get("step") and not entry.options.get("run"):
        raise BadInputError(
            f"'{entry.name}' names a step of no run", "", "Name the run too, or leave the step out"
        )


REWARD_MODEL = GraderInfo(
    LEARNED_GRADER,
    None,
    "The score of a reward model that was trained here, in standard deviations from its mean.",
    (
        GraderOption(
            "run", "text", "", "The run that trained it; empty: this run, in a stage before."
        ),
        GraderOption("step", "int", 0, "Its checkpoint; 0: the newest.", minimum=0),
    ),
    open=open_learned_grader,
    check=check_learned_grader,
)
