"""The doctor beside rldoctor on its own twelve scenarios, as `benchmarks/doctor_duel.py` has it."""

import pytest

from benchmarks.doctor_duel import SCENARIOS, ask_ours, ask_theirs, read_scenario, score

SICK = [name for name in SCENARIOS if name != "healthy"]


@pytest.mark.parametrize("name", SICK)
def test_what_rldoctor_names_in_its_own_scenario_is_named_here_too(name: str) -> None:
    log = read_scenario(name)
    theirs = ask_theirs(log, log.steps)
    assert theirs.all & set(log.theirs)  # or the scenario is read wrongly
    assert score(log, ask_ours, log.ours, every=40).said_at is not None


def test_its_healthy_run_hears_nothing_at_any_step() -> None:
    log = read_scenario("healthy")
    for step in range(5, log.steps, 5):
        assert ask_ours(log, step).all == frozenset(), step
