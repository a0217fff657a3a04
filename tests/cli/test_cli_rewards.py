"""Rewards in and out of the command line, and a run scored again with them."""

import json
from pathlib import Path

import pytest

from rft_core.rewards.contract import RewardSet
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.sample_run import write_finished_run

CHECK = {"type": "string_check", "name": "exact", "input": "{{ sample.output_text }}",
         "reference": "{{item.answer}}", "operation": "eq"}  # fmt: skip
PYTHON = "def size(completions, **columns):\n    return [float(len(c)) for c in completions]\n"


@pytest.fixture
def grader(tmp_path: Path) -> Path:
    path = tmp_path / "grader.json"
    path.write_text(json.dumps(CHECK))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "size.py"
    path.write_text(PYTHON)
    return path


def test_a_grader_comes_in_once_and_goes_out_as_it_was(rft: Command, grader: Path) -> None:
    imported = rft("rewards", "import", str(grader), "--name", "mine", "--json").document
    assert imported["name"] == "mine" and imported["version"] == 1
    assert imported["functions"] == [{"name": "exact", "grader": "string_check", "weight": 1.0}]
    assert rft("rewards", "import", str(grader), "--name", "mine", "--json").document == imported
    exported = rft("rewards", "export", imported["reward_set"], "--format", "openai")
    assert json.loads(exported.stdout) == CHECK
    file = grader.with_name("mine.py")
    module = rft("rewards", "export", imported["reward_set"], "--format", "python", "--to",
                 str(file))  # fmt: skip
    assert module.code == 0 and "REWARD_FUNCS" in file.read_text()


def test_what_is_wrong_with_a_grader_is_one_line_with_its_path(rft: Command, grader: Path) -> None:
    grader.write_text(json.dumps(CHECK | {"operation": "is", "input": "{{ x }}"}))
    outcome = rft("rewards", "import", str(grader))
    assert outcome.code == 2 and outcome.stderr.count("\n") == 1
    assert "operation: Input should be 'eq'" in outcome.stderr and "input: " in outcome.stderr


def test_what_cannot_be_exported_is_said(rft: Command, grader: Path) -> None:
    judge = {"type": "score_model", "name": "kind", "model": "m", "pass_threshold": 1,
             "input": [{"role": "user", "content": "Rate {{ sample.output_text }}"}]}  # fmt: skip
    grader.write_text(json.dumps(judge))
    imported = rft("rewards", "import", str(grader), "--json")
    assert "'pass_threshold' was left out" in imported.stderr
    id = imported.document["reward_set"]
    openai, module = (rft("rewards", "export", id, "--format", f) for f in ("openai", "python"))
    assert openai.code == 0 and "endpoints are not exported" in openai.stderr
    assert module.code == 2 and "'kind': it asks a judge" in module.stderr
    assert rft("rewards", "export", "rw-nope").code == 2
    assert rft("rewards", "export", id, "--format", "yaml").code == 2


def test_score_takes_grader_json(rft: Command, grader: Path, tmp_path: Path) -> None:
    lines, scored = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    row = {"question": "?", "answer": "7"}
    lines.write_text("\n".join(json.dumps({"row": row, "completion": c}) for c in ("7", "8")))
    words = ("--input", str(lines), "--output", str(scored), "--rewards", str(grader))
    assert rft("score", "word_problems", *words).code == 0
    rewards = [json.loads(line)["reward"] for line in scored.read_text().splitlines()]
    assert rewards == [1.0, 0.0]


def test_a_run_is_scored_again_with_a_file_and_with_a_stored_set(
    rft: Command, folder: RunsFolder, source: Path
) -> None:
    write_finished_run(folder.path, "countdown-1", steps=10)
    first = rft("rescore", "countdown-1", "--rewards", str(source), "--json").document
    assert first["generations"] == first["scored_now"] == 10 * 8 + 6
    assert first["unscored"] == 0 and first["encouraged"] > 0 and not first["problems"]
    steps = [m["step"] for m in first["metrics"]
             if (m["name"], m["split"]) == ("rewards/size/mean", "train")]  # fmt: skip
    assert steps == list(range(1, 11))
    again = rft("rescore", "countdown-1", "--rewards", first["reward_set"], "--json").document
    assert again["scored_now"] == 0 and again["metrics"] == first["metrics"]
    assert "discouraged" in rft("rescore", "countdown-1", "--rewards", str(source)).stdout


def test_rescoring_what_is_not_there_is_bad_input(rft: Command, folder: RunsFolder) -> None:
    write_finished_run(folder.path, "countdown-1", steps=1)
    for words in (("nope", "--rewards", RewardSet(()).id), ("countdown-1", "--rewards", "rw-nope"),
                  ("countdown-1", "--rewards", "nowhere.py"), ("countdown-1",)):  # fmt: skip
        outcome = rft("rescore", *words)
        assert outcome.code == 2 and outcome.stderr.count("\n") == 1, outcome
