"""Whether a run goes on at all: a stall is one of its own median, and nothing is said too early."""

import pytest

from rft_core.diagnosis.doctor import PhaseUnderWay, RunEvidence, diagnose
from rft_core.diagnosis.doctor.liveness import CLOSED, FLOOR, SILENT, TIMES_MEDIAN
from rft_core.diagnosis.finding import Finding


def look(silent_for: float, *closed: float) -> list[Finding]:
    return diagnose(RunEvidence(under_way=PhaseUnderWay("score", silent_for, closed)))


def test_a_phase_that_lasts_far_longer_than_its_own_median_has_stalled() -> None:
    [finding] = look(130, 20, 21, 19, 22)
    assert (finding.kind, finding.severity, finding.where) == ("phase_stalled", "error", "score")
    assert "Nothing has moved for 2 min in scoring" in finding.summary
    assert "20.5 s; 6 times that" in finding.evidence and "reward_timeout" in finding.fix


@pytest.mark.parametrize(
    ("silent_for", "closed"),
    [
        (TIMES_MEDIAN * 20 - 1, (20.0, 21.0, 19.0)),  # late, and not yet that late
        (FLOOR - 1, (0.5, 0.5, 0.5)),  # what takes moments may take a minute
        (10_000, (1.0,) * (CLOSED - 1)),  # two say nothing of what is usual
    ],
)
def test_what_may_still_come_is_no_stall(silent_for: float, closed: tuple[float, ...]) -> None:
    assert look(silent_for, *closed) == []


def test_one_slow_phase_among_the_closed_ones_hides_no_stall() -> None:
    assert [finding.kind for finding in look(130, 20, 19, 300)] == ["phase_stalled"]


def test_a_worker_without_a_heartbeat_is_said_first_and_one_with_it_is_not() -> None:
    stalled = PhaseUnderWay("sample", 1e4, (1.0,) * CLOSED)
    found = diagnose(RunEvidence(silent_for=SILENT + 1, under_way=stalled))
    assert [finding.kind for finding in found] == ["worker_silent", "phase_stalled"]
    assert diagnose(RunEvidence(silent_for=2.0)) == []
