"""The doctor: what is wrong with a run, with the arithmetic that shows it, and what to do.

One small rule per ailment, a file for each family, in the order of claim: does it go on at all
(`liveness`), is there anything to learn from (`degenerate`, `components`), does it go where it
should (`drift`, `truth`, `pairs`); and `advice` only where none of these has anything to say. A
rule speaks as soon as its bounds allow and is silent when unsure: a card that cries wolf is worse
than none. Pure functions over `RunEvidence`, which `jobs/judging/run_evidence.py` gathers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rft_core.diagnosis.doctor import (
    advice,
    components,
    degenerate,
    drift,
    liveness,
    pairs,
    truth,
)
from rft_core.diagnosis.doctor.evidence import GroupsSeen, PhaseUnderWay, RunEvidence
from rft_core.diagnosis.finding import Finding

__all__ = ["GroupsSeen", "PhaseUnderWay", "RunEvidence", "diagnose"]

Rule = Callable[[RunEvidence], Finding | None]
FAMILIES: Sequence[Sequence[Rule]] = (
    liveness.RULES, degenerate.RULES, components.RULES, drift.RULES, truth.RULES, pairs.RULES,
)  # fmt: skip
WORST_FIRST = ("error", "warning", "info")
DEAD_GROUPS = ("no_variance", "all_wrong", "all_right")
# What one finding says already: its consequences get no card of their own.
FOLLOWS_FROM: Mapping[str, Sequence[str]] = {
    "flat": DEAD_GROUPS,
    "identical": (*DEAD_GROUPS, "entropy_floor"),
    "collapse": ("truncated", "identical", "entropy_floor"),
}


def diagnose(evidence: RunEvidence) -> list[Finding]:
    """Everything the rules find: worst first, then in the order of claim. Empty for a healthy run,
    and for a very young one.
    """
    found = _ask([rule for family in FAMILIES for rule in family], evidence)
    said = {finding.kind for finding in found}
    follow = {kind for cause in said for kind in FOLLOWS_FROM.get(cause, ())}
    found = [finding for finding in found if finding.kind not in follow]
    found = found or _ask(advice.RULES, evidence)
    return sorted(found, key=lambda finding: WORST_FIRST.index(finding.severity))


def _ask(rules: Sequence[Rule], evidence: RunEvidence) -> list[Finding]:
    return [finding for rule in rules if (finding := rule(evidence))]
