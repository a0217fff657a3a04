"""What the probes found, in figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rft_core.rewards.contract import FunctionReport

ProbeOutcome = Literal["pays", "loose", "unscored", "held"]
OUTCOMES: tuple[ProbeOutcome, ...] = ("pays", "loose", "unscored", "held")  # in the order to show


@dataclass(frozen=True)
class ProbeResult:
    """One probe over all prompts, shown by the completion that earns the most of what it must not.

    `scores`, `reward`, `gold_reward` and `wrong_reward` (a wrong answer in the right form) are
    those of the prompt number `case`. `verdict` "loose": the reward is lenient there, and nothing
    is gained by it. `advice` is "" where nothing is to be done.
    """

    name: str
    title: str
    verdict: ProbeOutcome
    meaning: str
    advice: str
    completion: str
    case: int
    scores: Mapping[str, float | None]
    reward: float | None
    gold_reward: float
    wrong_reward: float
    prompts_paid: int
    prompts_tried: int


@dataclass(frozen=True)
class ProbeReport:
    """All probes, those that pay first. The rewards are means over the prompts; None: not scored.

    `gold_known` False: no right answer was found, so that half of full marks counts as paid.
    `failures` are the reports of functions that broke their contract on some probe.
    """

    results: tuple[ProbeResult, ...]
    gold_reward: float | None
    wrong_reward: float | None
    empty_reward: float | None
    model_reward: float | None
    gold_known: bool
    num_completions: int
    failures: tuple[FunctionReport, ...] = ()

    @property
    def paying(self) -> tuple[ProbeResult, ...]:
        return tuple(result for result in self.results if result.verdict == "pays")

    @property
    def scored(self) -> tuple[ProbeResult, ...]:
        return tuple(result for result in self.results if result.verdict != "unscored")

    @property
    def summary(self) -> str:
        """The verdict line: "3 of 22 probes pay."."""
        if not self.scored:
            return "No probe could be scored."
        count = len(self.paying)
        return f"{count or 'None'} of {len(self.scored)} probes {'pays' if count == 1 else 'pay'}."
