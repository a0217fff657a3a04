"""One honest sentence for each claim: reproduced, not reproduced or undecided, by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rft_core.experiments.design import Claim
from rft_core.statistics import PairedDifference

Outcome = Literal["reproduced", "not reproduced", "undecided", "not measured"]


@dataclass(frozen=True)
class Verdict:
    """`difference` None: one of the two arms has not been measured. `seeds`: how many of those
    asked for it was measured with, in words; empty where it was all of them."""

    claim: Claim
    outcome: Outcome
    difference: PairedDifference | None
    seeds: str = ""

    @property
    def sentence(self) -> str:
        """What was claimed, what was found, and how sure that is."""
        if self.difference is None:
            return f"{self.claim.text} Not measured."
        points, (low, high) = 100 * self.difference.difference, self.difference.ci
        found = (
            f"{points:+.1f} points (95% interval {100 * low:+.1f} to {100 * high:+.1f}, "
            f"{self.difference.n} prompts{self.seeds})"
        )
        wanted = f", claimed {100 * self.claim.at_least:+.0f}" if self.claim.at_least else ""
        return f"{self.claim.text} {self.outcome.capitalize()}: {found}{wanted}."


def judge_claim(claim: Claim, found: PairedDifference | None, *, is_enough: bool = True) -> Verdict:
    """`found`: by how much the better arm is above the other; None where one was not measured.

    Reproduced: the difference is as large as claimed, its interval excludes no difference at all,
    and so does its test. Not reproduced: the whole interval lies below what is claimed. Undecided:
    neither, or there was not enough training and measuring to say.
    """
    if found is None:
        return Verdict(claim, "not measured", None)
    low, high = found.ci
    if not is_enough:
        return Verdict(claim, "undecided", found)
    if found.difference >= claim.at_least and low > 0 and found.is_significant:
        return Verdict(claim, "reproduced", found)
    if high < claim.at_least or high <= 0:
        return Verdict(claim, "not reproduced", found)
    return Verdict(claim, "undecided", found)
