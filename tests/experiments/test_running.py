"""An experiment is run for real, by the command and from the page: runs, figures, an end."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.page_header import plain
from rft_core.cli.app import main
from rft_core.experiments.background import is_under_way, stop_experiment
from rft_core.experiments.catalog import get_experiment
from rft_core.experiments.design import RERANKED, Arm
from rft_core.experiments.running import run_trials
from rft_core.experiments.trials import list_trial_runs
from rft_core.jobs.launcher import wait_for_end
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from tests.cli.command import Outcome
from tests.runs_folder import await_truth, runs_folder

QUICK = get_experiment("countdown-data", quick=True)


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with runs_folder(tmp_path / "runs") as folder:
        monkeypatch.setenv("RFT_RUNS_DIR", str(folder.path))
        yield folder.path
        GenerationClient(folder.path).stop()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> Outcome:
    capsys.readouterr()
    code = main(["experiment", *words])
    return Outcome(code, *capsys.readouterr())


def open_page(name: str = QUICK.design) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app.query_params["experiment"] = name
    app = app.switch_page("experiments.py").run()
    assert not app.exception, app.exception
    return app


@pytest.mark.timeout(900)  # ReFT's eleven arms take minutes
@pytest.mark.parametrize("name", ["countdown-data", "reft"])
def test_all_arms_are_trained_measured_and_told_and_nothing_is_done_twice(
    runs_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    report, block = tmp_path / "report.md", get_experiment(name, quick=True).blocks[0]
    folder = tmp_path / "out"
    done = run(capsys, name, "--quick", "--markdown", str(report), "--to", str(folder), "--json")
    assert done.code == 0, done.stderr
    assert {trial["state"] for trial in done.document["trials"]} == {"finished"}
    text = report.read_text()
    assert text == done.document["report"] == (folder / f"{name}-quick.md").read_text()
    figures = json.loads((folder / f"{name}-quick.json").read_text())
    assert figures["rows"] == done.document["rows"]
    assert figures["claims"] == done.document["claims"]
    check_figures(figures)
    answering = [arm for arm in block.arms if not arm.ranks]
    assert all(f"| {arm.title} |" in text for arm in answering) and "| Base |" in text
    assert "Undecided" in text and "Not measured" in text and "xychart-beta" in text
    assert (RERANKED in text) is any(arm.ranks for arm in block.arms)

    with open_index(runs_dir) as index:
        asked = len(list_commands(index))
    again = run(capsys, name, "--quick")
    assert again.code == 0 and again.stdout.strip() == text.strip()
    with open_index(runs_dir) as index:
        assert len(list_commands(index)) == asked

    app = open_page(name)
    app.toggle[0].set_value(True).run()
    assert not app.exception
    shown = [words.value for words in app.markdown]
    assert any(plain(get_experiment(name).claims[0].text) in words for words in shown)
    assert any("Base" in frame.value.to_string() for frame in app.dataframe)


def check_figures(figures: dict[str, list[dict[str, Any]]]) -> None:
    assert "base" in {row["method"] for row in figures["rows"]}
    for row in figures["rows"]:
        low, high = row["ci"]
        assert 0 <= low <= row["top1"] <= high <= 1 and row["seed"] == 0 and row["examples"]
    assert all(set(claim) >= {"claim", "reproduced", "by"} for claim in figures["claims"])
    assert not any(claim["reproduced"] for claim in figures["claims"]), "quick figures say nothing"


def test_from_the_page_it_begins_in_the_background_and_stops_with_its_run(runs_dir: Path) -> None:
    app = open_page()
    app.toggle[0].set_value(True).run()
    (button,) = [button for button in app.button if button.label == "Run it"]
    button.click().run()
    assert not app.exception
    await_truth(lambda: is_under_way(runs_dir, QUICK), "the experiment's process")
    await_truth(lambda: list_trial_runs(runs_dir, QUICK)[0].status, "its first run")
    stop_experiment(runs_dir, QUICK)
    await_truth(lambda: not is_under_way(runs_dir, QUICK), "its end")
    first, *others = list_trial_runs(runs_dir, QUICK)
    assert wait_for_end(runs_dir, first.run_id).state in ("stopped", "finished")
    assert all(trial.status is None for trial in others)


def test_a_trial_that_cannot_begin_is_told_and_the_others_go_on(runs_dir: Path) -> None:
    design = get_experiment("countdown-data", quick=True)
    imitate = {"method": "sft", "max_steps": 1}
    arms = (
        Arm("wide", "Wide", {**imitate, "per_device_train_batch_size": 64}),  # of ten prompts
        Arm("narrow", "Narrow", {**imitate, "per_device_train_batch_size": 8}),
    )
    told: list[str] = []
    runs = run_trials(
        runs_dir,
        replace(design, blocks=(replace(design.blocks[0], arms=arms),)),
        on_refused=lambda trial, error: told.append(f"{trial.arm.name}: {error}"),
    )
    assert [run.state for run in runs] == ["planned", "finished"]
    (refused,) = told
    assert refused.startswith("wide: ") and "64 different prompts" in refused


def test_what_is_planned_is_listed_without_training(
    runs_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = run(capsys, "countdown-data", "--show")
    assert shown.code == 0 and shown.stdout.count("planned") == 27
    wrong = run(capsys, "nothing")
    assert wrong.code == 2 and "countdown-data, reft" in wrong.stderr
