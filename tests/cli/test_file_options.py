"""Prompts and rewards of one's own from the command line: stored as sets that the run names."""

import json
from pathlib import Path

import pytest

from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import TASKS
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder

REWARDS = "def size(completions, **columns):\n    return [float(len(c)) for c in completions]\n"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A file of prompts and one of rewards. What is launched stays queued."""
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    prompts, rewards = tmp_path / "mine.csv", tmp_path / "size.py"
    lines = [f'"[{i}, 2, 3]",{i + 5}' for i in range(1, 31)]
    prompts.write_text("\n".join(["numbers,goal", *lines]))
    rewards.write_text(REWARDS)
    return str(prompts), str(rewards)


def test_both_files_become_sets_that_the_run_is_pinned_to(
    rft: Command, folder: RunsFolder, files: tuple[str, str]
) -> None:
    launched = rft("launch", "--prompts", files[0], "--rewards", files[1], "--json")
    assert launched.code == 0, launched.stderr
    listed = rft("sets", "--json").document
    [prompts], [rewards] = listed["prompt_sets"], listed["reward_sets"]
    assert (prompts["name"], prompts["num_rows"], prompts["task"]) == ("mine", 30, "countdown")
    assert (rewards["name"], rewards["version"]) == ("size", 1)
    with open_index(folder.path) as index:
        [run] = list_runs(index)
    assert (run.config.prompt_set, run.config.reward_set) == (prompts["id"], rewards["id"])
    again = rft("launch", "--prompts", files[0], "--rewards", files[1])
    assert again.code == 0 and rft("sets", "--json").document == listed
    assert prompts["id"] in rft("sets").stdout


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--prompts", json.dumps({"color": "red"}), "No column is chosen for the field 'nums'"),
        ("--rewards", "def f(:", "The reward source has a mistake in line 1"),
        ("--rewards", "import os", "No function takes `completions`"),
    ],
)
def test_a_file_that_does_not_fit_stores_nothing(
    rft: Command,
    folder: RunsFolder,
    files: tuple[str, str],
    *,
    option: str,
    text: str,
    message: str,
) -> None:
    bad = Path(files[0]).with_name("bad")
    bad.write_text(text)
    words = {"--prompts": files[0], "--rewards": files[1]} | {option: str(bad)}
    outcome = rft("launch", *(word for pair in words.items() for word in pair))
    assert outcome.code == 2 and message in outcome.stderr and outcome.stderr.count("\n") == 1
    with open_index(folder.path) as index:
        assert not list_runs(index) + list_sets(index, "prompts") + list_sets(index, "rewards")


def test_an_unknown_set_says_how_to_list_them(rft: Command) -> None:
    for name in ("prompt_set", "reward_set"):
        assert "python -m rft_core sets" in rft("launch", "--set", f"{name}=nope").stderr


NAMED = REWARDS + "def short(completions, **columns):\n    return [0.5 for _ in completions]\n"


@pytest.mark.parametrize(
    ("which", "names"),
    [
        ("mine:size", ["size"]),
        ("mine.py:short", ["short"]),
        ("mine.short", ["short"]),
        ("inner.more:size,short", ["size", "short"]),
        ("inner/more.py:size", ["size"]),
        ("mine.py", ["size", "short"]),
        ("trl.rewards:think_format_reward", ["think_format_reward"]),
    ],
)
def test_reward_functions_may_be_named_by_their_module(
    rft: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, names: list[str]
) -> None:
    (tmp_path / "inner").mkdir()
    for place in ("mine.py", "inner/more.py"):
        (tmp_path / place).write_text(NAMED)
    monkeypatch.chdir(tmp_path)
    row = {"row": {"question": "a?", "answer": "1"}, "completion": "abc"}
    (tmp_path / "in.jsonl").write_text(json.dumps(row))
    scored = rft("score", "gsm8k", "--input", "in.jsonl", "--output", "out.jsonl",
                 "--rewards", which)  # fmt: skip
    assert scored.code == 0, scored.stderr
    [line] = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert list(line["scores"]) == names


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("mine:long", "'mine.py' has no reward function 'long'. There are size, short"),
        ("nowhere.at:all", "There is no module 'nowhere.at'"),
        ("nowhere.py", "nowhere.py"),
    ],
)
def test_a_function_that_is_not_there_is_said(
    rft: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: str, message: str
) -> None:
    (tmp_path / "mine.py").write_text(NAMED)
    monkeypatch.chdir(tmp_path)
    asked = rft("rewards", "import", which)
    assert asked.code == 2 and message in asked.stderr


@pytest.mark.parametrize(
    "words", [["--rewards", "reft"], ["--set", "reward_set=reft"]], ids=["option", "setting"]
)
@pytest.mark.usefixtures("files")
def test_others_of_a_tasks_rewards_are_pinned_by_their_name(
    rft: Command, folder: RunsFolder, words: list[str]
) -> None:
    launched = rft("launch", "--task", "word_problems", "--set", "num_prompts=8", *words)
    assert launched.code == 0, launched.stderr
    wanted = TASKS["word_problems"].other_rewards["reft"].rewards
    with open_index(folder.path) as index:
        [run] = list_runs(index)
        stored = get_set(index, "rewards", run.config.reward_set or "")
    assert run.config.reward_set == wanted.id
    assert RewardSet.from_json(stored.content) == wanted


@pytest.mark.usefixtures("files")
def test_another_task_has_no_rewards_of_that_name(rft: Command) -> None:
    refused = rft("launch", "--task", "countdown", "--set", "reward_set=reft")
    assert refused.code != 0 and "There is no reward set 'reft'" in refused.stderr
