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

    report, table = tmp_path / "report.md", tmp_path / "figures.csv"
    asked = ("--k", "2", "--rerank", "shortest", "--regression", "countdown-easy")
    document = rft(
        "evaluate", tuned, "--prompts", "4", *asked, "--changes", "--markdown", str(report),
        "--csv", str(table), "--json",
    ).document  # fmt: skip
    rows = document["rows"]
    assert [row["model"] for row in rows] == ["base", tuned]
    for row in rows:
        assert row["task"] == "countdown" and row["n"] == 4 and row["rows"] == "held-out"
        assert 0 <= row["ci"][0] <= row["pass@1"] <= row["ci"][1] <= 1
        assert row["pass@k"] >= row["pass@1"] and "best-of-k" in row
        assert row["tokens"] > 0 and row["seconds"] > 0
    assert "difference" in rows[1] and "difference" not in rows[0]
    assert document["regression"]["rows"][1]["task"] == "countdown-easy"
    (pair,) = [one for one in document["comparisons"] if one["measure"] == "pass@1"]
    assert len(document["changes"]) == pair["turned_right"] + pair["turned_wrong"]
    assert "## What was forgotten: countdown-easy" in report.read_text()
    assert "## Changed examples" in report.read_text()
    assert table.read_text().startswith("task,rows,model,compared_with")

    (listed,) = rft("evaluations", "--json").document["evaluations"]
    assert listed["number"] == document["evaluation"] and listed["models"] == ["base", tuned]
    again = rft("evaluations", str(listed["number"]), "--between", f"{tuned},base", "--json")
    assert again.document["rows"] == rows
    assert len(again.document["changes"]) == len(document["changes"])
    shown = rft("evaluations", str(listed["number"]))
    assert shown.code == 0 and "What was forgotten" in shown.stdout
    assert tuned in rft("evaluations").stdout
    refused = rft("evaluate", tuned, "--rerank", tuned)
    assert refused.code == 2 and "only a run of the method reward_model scores" in refused.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate", "--rerank", "shortest"), "Ask for two or more: --k 8"),
        (("evaluate", "--changes", "--between", "base"), "does not name two models"),
        (("evaluate", "--changes", "--between", "base,other"), "They are base, tuned"),
        (("evaluate", "--csv", "{here}"), "It is a folder"),
        (("evaluate", "--markdown", "{here}/none/report.md"), "There is no folder"),
        (("ask", "--row", '{"nums": ["x"], "target": 7}'), "nums"),
    ],
)
def test_what_cannot_be_shown_is_said_before_anything_is_sampled(
    rft: Command, folder: RunsFolder, tuned: str, words: tuple[str, ...], message: str
) -> None:
    command, *options = (word.replace("{here}", str(folder.path)) for word in words)
    outcome = rft(command, tuned, *options)
    assert outcome.code == 2 and outcome.stdout == ""
    assert message in outcome.stderr and outcome.stderr.count("\n") == 1
    assert GenerationClient(folder.path).status() is None


def test_export_from_the_command_line(rft: Command, tuned: str, tmp_path: Path) -> None:
    document = rft("export", tuned, "--to", str(tmp_path / "out"), "--json").document
    assert (document["run"], document["kind"]) == (tuned, "adapter")
    assert "adapter_model.safetensors" in document["files"]
    assert rft("export", tuned, "--to", str(tmp_path / "out")).code == 2
