"""What the sandbox holds on this machine, for pages and checks: they know it through this file."""

from __future__ import annotations

from functools import lru_cache

from rft_core.sandbox.tiers import REFUSAL, TIERS, SandboxReport, inspect

__all__ = ["REFUSAL", "TIERS", "SandboxReport", "get_sandbox_report"]


def get_sandbox_report() -> SandboxReport:
    """What the sandbox holds here. Tried until it holds, then once per process: it takes a sixth
    of a second, and what kept it from working may pass."""
    try:
        return _get_sandbox_that_holds()
    except _NothingHoldsError as error:
        return error.report


class _NothingHoldsError(Exception):
    def __init__(self, report: SandboxReport) -> None:
        self.report = report


@lru_cache(maxsize=1)
def _get_sandbox_that_holds() -> SandboxReport:
    """Raises instead of returning what must not be remembered."""
    report = inspect()
    if not report.tier:
        raise _NothingHoldsError(report)
    return report
