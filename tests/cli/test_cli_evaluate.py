"""dry-run, evaluate and export with the real embedded model and the real generation service."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.config import RunConfig
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import get_adapter_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.runs import add_run
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.tiny_model import make_tiny_adapter


@pytest.fixture
def tuned(folder: RunsFolder) -> Iterator[str]:
    """A run of the embedded model with a random adapter."""
    with open_index(folder.path) as index:
        config = pin_sets(index, RunConfig(num_prompts=8, num_validation_prompts=4))
        run = add_run(index, id="tuned", config=config)
    make_tiny_adapter(EMBEDDED_MODELS["embedded/countdown"], get_adapter_dir(folder.path, run))
    yield run
    GenerationClient(folder.path).stop()


def test_dry_run_and_evaluate_share_one_service(rft: Command, tuned: str, tmp_path: Path) -> None:
    dry = rft("dry-run", "countdown", "--prompts", "2", "--completions", "4", "--json")
    document = dry.document
    assert dry.code == (0 if document["can_learn"] else 1)
    assert [len(group["completions"]) for group in document["groups"]] == [4, 4]
    first = document["groups"][0]["completions"]
    assert first[0].keys() >= {"completion", "scores", "reward", "reasons", "flags", "advantage"}
    assert sum(c["advantage"] for c in first) == pytest.approx(0, abs=1e-6)
    assert [f["name"] for f in document["functions"]] == ["format", "equation"]

    rewards = tmp_path / "mine.py"
    rewards.write_text("def same(completions, **columns):\n    return [1.0] * len(completions)\n")
    constant = rft("dry-run", "countdown", "--prompts", "1", "--rewards", str(rewards))
    assert constant.code == 1 and "no gradient" in constant.stdout

    rows = rft("evaluate", tuned, "--prompts", "4", "--k", "2", "--vote", "--json").document["rows"]
    assert [row["model"] for row in rows] == ["base", tuned]
    for row in rows:
        assert row["task"] == "countdown" and row["n"] == 4 and row["rows"] == "held-out"
        assert 0 <= row["ci"][0] <= row["pass@1"] <= row["ci"][1] <= 1
        assert row["pass@k"] >= row["pass@1"] and "maj@k" in row
    assert "difference" in rows[1] and "difference" not in rows[0]


def test_export_from_the_command_line(rft: Command, tuned: str, tmp_path: Path) -> None:
    document = rft("export", tuned, "--to", str(tmp_path / "out"), "--json").document
    assert (document["run"], document["kind"]) == (tuned, "adapter")
    assert "adapter_model.safetensors" in document["files"]
    assert rft("export", tuned, "--to", str(tmp_path / "out")).code == 2
