"""What the doctor found, in the one shape that a report shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rft_core.diagnosis.doctor import get_title
from rft_core.diagnosis.finding import Finding
from rft_core.types import Problem, Severity


@dataclass(frozen=True)
class ReportedFinding:
    """`generations`: ids of stored completions that show it."""

    severity: Severity
    title: str
    summary: str
    evidence: str
    fix: str
    generations: tuple[int, ...] = ()


def as_reported(found: Iterable[Problem | Finding]) -> tuple[ReportedFinding, ...]:
    """In their order: worst first."""
    return tuple(
        ReportedFinding(
            one.severity, one.title, one.summary, one.evidence, one.fix, one.generations
        )
        if isinstance(one, Finding)
        else ReportedFinding(one.severity, get_title(one), one.what, "", one.fix)
        for one in found
    )
