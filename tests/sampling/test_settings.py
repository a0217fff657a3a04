"""How an engine runs: with as many threads as the model's size and the machine's load allow."""

from dataclasses import replace

import pytest

from rft_core.config import RunConfig
from rft_core.hardware import get_hardware
from rft_core.model_files import model_summary
from rft_core.planning import threads
from rft_core.sampling import settings
from rft_core.sampling.settings import default_settings, run_settings

COUNTDOWN = "embedded/countdown"  # of five million parameters


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Eight cores, of which others use three."""
    for name in ("OMP_NUM_THREADS", "RFT_GENERATION_THREADS"):
        monkeypatch.delenv(name, raising=False)
    here = get_hardware()
    monkeypatch.setattr(threads, "get_hardware", lambda: replace(here, cores=8))
    monkeypatch.setattr(threads, "measure_busy_cores", lambda seconds: 3.0)
    return monkeypatch


def make_large(patch: pytest.MonkeyPatch) -> None:
    summary = model_summary(COUNTDOWN)
    assert summary is not None
    large = replace(summary, parameters=135_000_000)
    patch.setattr(settings, "model_summary", lambda name: large)


def test_a_large_model_answers_with_the_cores_that_are_idle(machine: pytest.MonkeyPatch) -> None:
    assert run_settings(RunConfig(model=COUNTDOWN)).threads == 1
    make_large(machine)
    assert run_settings(RunConfig(model=COUNTDOWN)).threads == 5


def test_what_is_set_outside_decides(machine: pytest.MonkeyPatch) -> None:
    make_large(machine)
    machine.setenv("RFT_GENERATION_THREADS", "3")
    assert run_settings(RunConfig(model=COUNTDOWN)).threads == default_settings().threads == 3


def test_no_load_is_measured_for_an_engine_that_chooses_itself(
    machine: pytest.MonkeyPatch,
) -> None:
    make_large(machine)
    machine.setattr(settings, "find_obstacle", lambda engine: "")
    machine.setattr(threads, "measure_busy_cores", lambda seconds: pytest.fail("it is measured"))
    assert run_settings(RunConfig(model=COUNTDOWN, engine="vllm")).threads == 1


@pytest.mark.usefixtures("machine")
def test_a_model_that_is_gone_is_for_its_loader_to_report() -> None:
    assert run_settings(RunConfig(model="/no/such/folder")).threads == 1
