"""What the sandbox holds is tried until it holds, and remembered from then on."""

from collections.abc import Iterator

import pytest

from rft_core.jobs import sandbox_report
from rft_core.jobs.sandbox_report import get_sandbox_report
from rft_core.sandbox.tiers import SandboxReport


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    sandbox_report._get_sandbox_that_holds.cache_clear()
    yield
    sandbox_report._get_sandbox_that_holds.cache_clear()


def test_a_failed_try_is_not_remembered_and_a_good_one_is(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([SandboxReport(None, (), ()), SandboxReport("A", (), ())])
    monkeypatch.setattr(sandbox_report, "inspect", lambda: next(found))
    assert get_sandbox_report().tier is None
    assert get_sandbox_report().tier == "A"  # what kept it from working has passed
    assert get_sandbox_report().tier == "A"  # and nothing is tried again: there is no third
