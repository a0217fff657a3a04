"""The life of a run from the command line, with a real supervisor and stand-in workers."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.runs import list_runs
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder, await_truth
from tests.sample_run import write_finished_run

SMALL = ("--set", "num_prompts=8", "--set", "num_validation_prompts=2")


@pytest.fixture
def supervised(folder: RunsFolder) -> RunsFolder:
    folder.start_supervisor()
    return folder


def test_launch_show_stop_resume_delete(supervised: RunsFolder, rft: Command) -> None:
    launched = rft("launch", "--task", "countdown", "--set", "name=endless", *SMALL, "--json")
    assert launched.code == 0
    run = launched.document["run"]
    assert launched.document.keys() == {"run", "state"}
    supervised.await_step(run, 2)

    shown = rft("show", run, "--json").document
    assert (shown["state"], shown["task"], shown["name"]) == ("running", "countdown", "endless")
    assert shown["train"]["reward"] > 0 and shown["config"]["num_prompts"] == 8
    assert [r["run"] for r in rft("runs", "--json").document["runs"]] == [run]
    assert rft("delete", run).code == 2

    assert rft("stop", run, "--wait", "--json").document == {"run": run, "state": "stopped"}
    resumed = rft("resume", run, "--json").document
    assert resumed["run"] == run and resumed["state"] in ("queued", "starting")
    supervised.await_state(run, "running")
    assert rft("resume", run).code == 2
    assert rft("stop", run, "--wait").stdout == f"{run} stopped\n"
    assert rft("delete", run, "--json").document == {"run": run, "state": "deleted"}
    assert rft("runs", "--json").document == {"runs": []}


def test_show_says_where_the_time_went(folder: RunsFolder, rft: Command) -> None:
    write_finished_run(folder.path, steps=10)
    assert rft("show", "countdown-1", "--json").document["seconds"]["update"] == 10.0
    told = rft("show", "countdown-1").stdout
    assert "update 50%, sampling 35%, reference 10%, scoring 5%" in " ".join(told.split())


def test_stop_now_kills_and_resume_says_what_is_made_again(
    supervised: RunsFolder, rft: Command
) -> None:
    run = rft("launch", "--set", "name=deaf", *SMALL).stdout.strip()
    supervised.await_step(run, 2)
    assert rft("stop", run, "--now", "--wait").stdout == f"{run} stopped\n"
    shown = rft("show", run, "--json").document
    assert "Killed on request" in shown["message"] and shown["resume_step"] == 0
    assert "made again from the start" in rft("resume", run).stderr
    rft("stop", run, "--now", "--wait")


def test_fork_begins_at_a_checkpoint_with_changed_settings(
    supervised: RunsFolder, rft: Command
) -> None:
    run = rft("launch", "--set", "max_steps=3", *SMALL).stdout.strip()
    supervised.await_state(run, "finished")
    assert "Choose from 3" in rft("fork", run, "--step", "2").stderr
    child = rft("fork", run, "--step", "3", "--set", "beta=0.01", "--json").document["run"]
    shown = rft("show", child, "--json").document
    assert (shown["parent_run"], shown["parent_step"], shown["config"]["beta"]) == (run, 3, 0.01)


def test_a_config_file_is_read_and_set_wins_over_it(
    supervised: RunsFolder, rft: Command, tmp_path: Path
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("max_steps: 5\nlearning_rate: 1e-4\nnum_prompts: 8\n")
    run = rft("launch", str(path), "--set", "max_steps=2").stdout.strip()
    config = rft("show", run, "--json").document["config"]
    assert (config["max_steps"], config["learning_rate"]) == (2, 1e-4)


def test_train_waits_for_the_end(supervised: RunsFolder, rft: Command) -> None:
    trained = rft("train", "--set", "max_steps=3", *SMALL, "--json")
    assert trained.code == 0 and trained.document["state"] == "finished"


def test_train_fails_with_its_run(supervised: RunsFolder, rft: Command) -> None:
    trained = rft("train", "--set", "name=failing", *SMALL)
    assert trained.code == 1 and "the loss is not finite" in trained.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_train_stops_the_run_with_a_checkpoint(
    supervised: RunsFolder, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "rft_core", "train", "--set", "name=endless", *SMALL, "--json"]
    environment = {**os.environ, "RFT_RUNS_DIR": str(supervised.path)}
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        with open_index(supervised.path) as index:
            await_truth(lambda: list_runs(index), "the run")
            run = list_runs(index)[0].id
        supervised.await_step(run, 2)
        process.send_signal(number)
        stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert stdout == f'{{"run": "{run}", "state": "stopped"}}\n'


def test_the_demo_is_started_once(supervised: RunsFolder, rft: Command) -> None:
    first = rft("demo", "--json").document["run"]
    assert rft("demo", "--json").document["run"] == first
    others = [rft("demo", name, "--json").document["run"] for name in ("triton", "triton-naive")]
    assert len({first, *others}) == 3
    for run in (*others, first):
        rft("stop", run, "--wait")


@pytest.fixture
def stored(folder: RunsFolder) -> str:
    """A run with two steps of one group of two completions each."""
    folder.add_run("stored")
    writer = RunWriter(folder.path, "stored")
    writer.start_attempt(from_step=0, pid=os.getpid(), command="launch-stored")
    messages = [{"role": "user", "content": "?"}]
    asked = [PromptRecord(0, {"nums": [1, 2]}, messages, "?")]
    for step in (1, 2):
        generations = [
            GenerationRecord(
                0, i, 0, f"answer {i} at \x1b[2J{step}", 5, False, float(i), i - 0.5,
                {"format": float(i), "other": None}, {"format": "ok"}, ("odd",),
            )
            for i in range(2)
        ]  # fmt: skip
        if step == 2:
            generations = [
                GenerationRecord(0, i, 0, f"plain {i}", 5, False, 1.0, 0.0, {"format": 1.0}, {})
                for i in range(2)
            ]
        record = StepRecord(step, "train", {"reward": step / 2, "kl": 0.1}, generations, asked)
        writer.record_step(record, max_steps=2)
    writer.end_attempt("finished")
    writer.close()
    return "stored"


def test_generations_are_filtered(rft: Command, stored: str) -> None:
    everything = rft("generations", stored, "--json").document["generations"]
    assert [g["step"] for g in everything] == [2, 2, 1, 1]
    assert everything[-1]["row"] == {"nums": [1, 2]}
    assert everything[-1]["scores"] == {"format": 0.0, "other": None}
    assert everything[-1]["flags"] == ["odd"]
    found = rft("generations", stored, "--step", "1", "--search", "ANSWER 1", "--json")
    assert [g["sample_index"] for g in found.document["generations"]] == [1]
    assert len(rft("generations", stored, "--limit", "1", "--json").document["generations"]) == 1
    assert rft("generations", stored, "--search", "nowhere").stdout == "No generation matches.\n"


def test_the_best_and_the_worst_of_a_step_are_listed_by_reward(rft: Command, stored: str) -> None:
    both = ("generations", stored, "--step", "1", "--worst", "1", "--best", "2")
    found = rft(*both, "--json").document
    assert [g["reward"] for g in found["best"]] == [1.0, 0.0]
    assert [g["reward"] for g in found["worst"]] == [0.0] and "generations" not in found
    assert found["worst"][0]["row"] == {"nums": [1, 2]}
    text = rft(*both).stdout
    assert text.index("best, by reward:") < text.index("worst, by reward:")
    assert text.count("answer 0") == 2 and text.count("answer 1") == 1
    whole = rft("generations", stored, "--best", "9", "--search", "plain", "--json").document
    assert [g["step"] for g in whole["best"]] == [2, 2] and "worst" not in whole


def test_what_a_model_wrote_cannot_move_the_cursor(rft: Command, stored: str) -> None:
    text = rft("generations", stored, "--step", "1").stdout
    assert "\x1b" not in text and "\\x1b[2J" in text


def test_metrics_are_listed_by_name(rft: Command, stored: str) -> None:
    rows = rft("metrics", stored, "--name", "reward", "--json").document["metrics"]
    assert [(row["step"], row["value"]) for row in rows] == [(1, 0.5), (2, 1.0)]
    assert "kl" in rft("metrics", stored).stdout


def test_a_run_without_a_database_has_nothing_to_list(folder: RunsFolder, rft: Command) -> None:
    folder.add_run("new")
    assert rft("generations", "new", "--json").document["generations"] == []
    assert rft("generations", "new", "--best", "1", "--json").document["best"] == []
    assert rft("metrics", "new", "--json").document["metrics"] == []


@pytest.mark.parametrize("words", [(), ("--method", "sft")])
def test_no_preflight_is_kept_in_the_settings_of_the_run_whatever_its_method(
    rft: Command, words: tuple[str, ...]
) -> None:
    words = (*words, *SMALL, "--set", "num_prompts=64")  # as many as a step of SFT needs
    usual = rft("launch", *words).stdout.strip()
    without = rft("launch", "--no-preflight", *words).stdout.strip()
    assert rft("show", usual, "--json").document["config"]["preflight"] is True
    assert rft("show", without, "--json").document["config"]["preflight"] is False
