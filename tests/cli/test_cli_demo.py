"""The demo of a real model from its command to its verdict, with a tiny model in its place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.config import PRESETS
from rft_core.jobs.demo_model import HUB_ID
from rft_core.paths import get_models_dir
from rft_core.sampling.service.client import GenerationClient
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.tiny_model import make_tiny_model

SMALL = {
    "num_prompts": 16, "num_validation_prompts": 2, "max_completion_length": 6,
    "per_device_train_batch_size": 8, "max_steps": 2, "eval_steps": 0,
}  # fmt: skip


@pytest.fixture
def with_model(
    folder: RunsFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """A model where the demo keeps its own, and a run of two steps."""
    model = get_models_dir(folder.path) / HUB_ID.partition("/")[2]
    model.parent.mkdir(parents=True)
    model.symlink_to(make_tiny_model(tmp_path / "tiny"))
    monkeypatch.setitem(PRESETS, "SmolLM2 demo", PRESETS["SmolLM2 demo"] | SMALL)
    yield
    GenerationClient(folder.path).stop()


@pytest.mark.usefixtures("with_model")
def test_the_real_demo_waits_for_its_run_and_compares_it_with_the_base(rft: Command) -> None:
    run = rft("demo", "real", "--json").document["run"]
    judged = rft("demo", "real", "--evaluate", "--json")
    assert judged.code == 0, judged.stderr
    base, tuned = judged.document["rows"]
    assert (base["model"], tuned["model"]) == ("base", run)
    assert (tuned["n"], tuned["k"], tuned["task"]) == (200, 4, "instructions-easy")
    assert len(tuned["difference_ci"]) == 2
    assert f"ask {run}" in judged.stderr


@pytest.mark.usefixtures("with_model")
def test_a_demo_that_was_stopped_is_not_judged(
    rft: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PRESETS["SmolLM2 demo"], "max_steps", 5000)
    run = rft("demo", "real", "--json").document["run"]
    # Which would go on with it:
    monkeypatch.setattr("rft_core.jobs.demos.launch_demo", lambda *_: run)
    rft("stop", run, "--wait")
    judged = rft("demo", "real", "--evaluate")
    assert judged.code == 1 and judged.stdout == ""
    assert f"{run} stopped" in judged.stderr
