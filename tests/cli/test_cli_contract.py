"""What scripts rely on: exit codes, one line on stderr, one JSON document, a fast start."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder

GOLD = "<think>15 + 35 = 50</think>\n<answer>15 + 35</answer>"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["show"], "Missing argument 'RUN'"),
        (["launch", "--bogus"], "No such option: --bogus"),
        (["launch", "--set", "beta"], "is not an assignment"),
        (["launch", "--set", "nonsense=1"], "'nonsense' is not a setting"),
        (["launch", "--set", "beta=-1"], "beta: Input should be greater than or equal to 0"),
        (["launch", "--task", "chess"], "There is no task named 'chess'"),
        (["launch", "missing.yaml"], "There is no file 'missing.yaml'"),
        (["launch", "--set", "num_generations=7"], "num_generations=7"),
        (["show", "none"], "There is no run 'none'"),
        (["stop", "none"], "There is no run 'none'"),
        (["resume", "none"], "There is no run 'none'"),
        (["delete", "../none"], "There is no run '../none'"),
        (["fork", "none", "--step", "1"], "There is no run 'none'"),
        (["generations", "none"], "There is no run 'none'"),
        (["generations", "none", "--limit", "0"], "greater than or equal to 1"),
        (["metrics", "none"], "There is no run 'none'"),
        (["ask", "none", "--text", "a"], "There is no run 'none'"),
        (["evaluate", "none"], "There is no run 'none'"),
        (["evaluate", "none@3"], "There is no run 'none'"),
        (["evaluations", "7"], "There is no evaluation 7"),
        (["compare", "none", "other"], "There is no run 'none'"),
        (["report", "none", "--to", "none.html"], "There is no run 'none'"),
        (["export", "none", "--to", "somewhere"], "There is no run 'none'"),
        (["score", "chess", "--input", "a", "--output", "b"], "There is no task named 'chess'"),
        (["score", "countdown", "--input", "none.jsonl", "--output", "b"], "none.jsonl"),
        (["dry-run", "countdown", "--rewards", "none.py"], "There is no file 'none.py'"),
        (["plan", "none.yaml"], "There is no file 'none.yaml'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_line_and_code_2(
    rft: Command, folder: RunsFolder, words: list[str], message: str
) -> None:
    outcome = rft(*words, "--json") if words != ["bogus"] else rft(*words)
    assert outcome.code == 2
    assert outcome.stdout == ""
    assert message in outcome.stderr and outcome.stderr.count("\n") == 1
    with open_index(folder.path) as index:
        assert list_runs(index) == []


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("missing/out.jsonl", "There is no folder '{folder}/missing'"),
        ("in.jsonl/out.jsonl", "Not a directory"),
        (".", "It is a folder or a device"),
        ("x" * 300, "File name too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_named_as_it_was_given(
    rft: Command, tmp_path: Path, output: str, why: str
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text(json.dumps({"row": {"nums": [1], "target": 1}, "completion": ""}))
    path = tmp_path / output
    outcome = rft("score", "countdown", "--input", str(source), "--output", str(path))
    assert outcome.code == 2
    assert outcome.stderr == (
        f"'{path}' cannot be written. {why.format(folder=tmp_path)}. "
        "Choose a place that you may write to.\n"
    )


@pytest.mark.parametrize("words", [["score", "countdown", "--output", "o", "--input"], ["launch"]])
def test_an_input_that_cannot_be_read_is_named_as_it_was_given(
    rft: Command, tmp_path: Path, words: list[str]
) -> None:
    outcome = rft(*words, str(tmp_path))
    assert outcome.code == 2
    assert outcome.stderr == (
        f"'{tmp_path}' cannot be read. Is a directory. Name a file that you may read.\n"
    )


@pytest.mark.parametrize("words", [["runs"], ["launch"], ["sets"]])
def test_a_runs_folder_that_cannot_be_used_is_named_with_what_to_do(
    rft: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    file, other, circle = tmp_path / "a file", tmp_path / "other", tmp_path / "circle"
    file.write_text("")
    circle.symlink_to(circle)
    (other / "index.db").mkdir(parents=True)
    elsewhere = "Set RFT_RUNS_DIR to a folder that you may write to.\n"
    for place, what, fix in (
        (file / "runs", f"'{file}/runs' cannot be written. Not a directory.", elsewhere),
        (file, f"'{file}' cannot be written. A file lies in its place.", elsewhere),
        (circle, f"'{circle}' cannot be written.", elsewhere),
        (tmp_path / ("x" * 300), "cannot be written. File name too long.", elsewhere),
        (Path("/proc/none"), "'/proc/none' cannot be written.", elsewhere),
        (other, f"'{other}/index.db' is damaged", "Restore it from a backup.\n"),
    ):
        monkeypatch.setenv("RFT_RUNS_DIR", str(place))
        outcome = rft(*words)
        assert outcome.code == 2 and what in outcome.stderr
        assert outcome.stderr.endswith(fix) and outcome.stderr.count("\n") == 1


def test_without_a_command_the_help_is_shown(rft: Command) -> None:
    outcome = rft()
    assert outcome.code == 0 and "evaluate" in outcome.stdout


def test_tasks_lists_columns_and_rewards(rft: Command) -> None:
    tasks = {task["name"]: task for task in rft("tasks", "--json").document["tasks"]}
    assert tasks["countdown"]["columns"] == {"nums": "[int]", "target": "int"}
    assert tasks["countdown"]["rewards"] == ["format", "equation"]
    assert tasks["gsm8k"]["rewards"] == ["format", "correctness"]


def test_score_writes_a_line_for_each_completion(rft: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"nums": [15, 35], "target": 50}
    lines = [{"row": row, "completion": GOLD}, {"row": row, "completion": "50"}]
    source.write_text("\n".join(map(json.dumps, lines)))
    outcome = rft("score", "countdown", "--input", str(source), "--output", str(output), "--json")
    assert outcome.document == {"scored": 2, "output": str(output), "failures": []}
    first, second = map(json.loads, output.read_text().splitlines())
    assert first["scores"] == {"format": 1.0, "equation": 1.0} and first["reward"] == 2.0
    assert second["scores"] == {"format": 0.0, "equation": 0.0}
    assert first.keys() == {"scores", "reward", "flags", "reasons"}


def test_score_with_rewards_of_ones_own(rft: Command, tmp_path: Path) -> None:
    rewards, source, output = tmp_path / "mine.py", tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rewards.write_text("def size(completions, **kw):\n    return [len(c) for c in completions]\n")
    source.write_text(json.dumps({"row": {"nums": [1], "target": 1}, "completion": "abc"}))
    words = ("score", "countdown", "--input", str(source), "--output", str(output))
    assert rft(*words, "--rewards", str(rewards)).code == 0
    assert json.loads(output.read_text())["scores"] == {"size": 3.0}


def test_the_sandbox_claims_a_tier_only_where_its_layers_held(rft: Command) -> None:
    result = rft("sandbox", "--json")
    tier, probes = result.document["tier"], result.document["probes"]
    assert result.code == (0 if tier else 1)
    assert {"name", "layer", "held", "detail"} == set(probes[0])
    failed = {probe["layer"] for probe in probes if not probe["held"]}
    allowed = {"A": set(), "B": {"bubblewrap"}, "C": {"landlock"}}
    assert tier is None or failed <= allowed[tier]


def test_plan_estimates_and_lists_what_would_stop_the_run(rft: Command, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("max_steps: 10\n")
    good = rft("plan", str(path), "--json")
    assert good.code == 0 and good.document["problems"] == []
    assert good.document["memory_bytes"] > 0 and good.document["disk_bytes"] > 0
    steps = 10 * good.document["seconds_per_step"]
    assert steps < good.document["total_seconds"] < 1.5 * steps  # validations cost something too
    bad = rft("plan", str(path), "--set", "per_device_train_batch_size=60", "--json")
    assert bad.code == 2
    assert bad.document["problems"][0]["field"] == "per_device_train_batch_size"


@pytest.mark.parametrize("words", [["runs", "--json"], ["tasks", "--json"], ["launch", "--help"]])
def test_everyday_commands_start_without_torch(folder: RunsFolder, words: list[str]) -> None:
    code = (
        "import sys\nfrom rft_core.cli.app import main\n"
        f"assert main({words!r}) == 0\n"
        "sys.exit(bool({'torch', 'transformers', 'streamlit'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_a_closed_pipe_makes_no_noise(folder: RunsFolder) -> None:
    command = f"{sys.executable} -m rft_core tasks --json | true"
    result = subprocess.run(
        ["bash", "-c", command], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert result.stderr == ""
