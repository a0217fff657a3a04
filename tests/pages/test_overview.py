"""Overview, driven without a browser."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.config import RECIPES
from rft_core.jobs.demos import launch_demo
from rft_core.jobs.launcher import delete, stop
from rft_core.paths import PROJECT_ROOT, get_run_db_path, get_run_dir
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from rft_core.store.sqlite.connections import list_wal_files
from tests.sample_run import begin_run, queue_run, write_finished_run

CARDS_SHOWN = 3  # at first


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def open_overview() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    assert not app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def test_without_runs_one_button_starts_the_demo_and_two_clicks_start_one(runs_dir: Path) -> None:
    app = open_overview()
    start = button(app, "Start the Countdown demo")
    start.click().run()
    app = open_overview()
    with open_index(runs_dir) as index:
        assert [run.name for run in list_runs(index)] == ["Countdown demo"]
        assert [command.kind for command in list_commands(index)] == ["launch"]
    assert "Start the Countdown demo" not in [b.label for b in app.button]


def test_every_run_is_listed_with_state_rewards_and_steps(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    queue_run(runs_dir, "countdown-2")
    app = open_overview()
    said = "\n".join(str(e.value) for e in [*app.markdown, *app.caption])
    assert "**2 runs** · 1 active · 1 finished" in said
    assert {"format", "equation"} <= {metric.label for metric in app.metric}


def test_delete_asks_first_and_then_removes_folder_and_rows(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = open_overview()
    button(app, "Delete").click().run()
    assert get_run_dir(runs_dir, "countdown-1").exists()
    button(app, "Delete it").click().run()
    assert not get_run_dir(runs_dir, "countdown-1").exists()
    with open_index(runs_dir) as index:
        assert list_runs(index) == []


def test_the_chooser_answers_as_the_questions_are_answered(runs_dir: Path) -> None:
    app = open_overview()
    assert "**Reinforcement fine-tuning (RFT) by GRPO**" in [m.value for m in app.markdown]
    app = answer(app, "How many examples have a right answer?", "about 100")
    app = answer(app, "How often is the base right today?", "never")
    assert "**A warm-up by imitation, then GRPO**" in [m.value for m in app.markdown]
    app.session_state["config.task"] = "json_output"
    app = app.button(key="advice-train").click().run()
    assert not app.exception
    app = app.switch_page("train.py").run()
    assert app.selectbox(key="config.task").value == "json_output", "what was chosen stays"
    assert app.session_state["config.stages"] == RECIPES["sft_grpo"]
    assert [b.value for b in app.selectbox if b.label == "Method of stage 1"] == ["sft"]


def answer(app: AppTest, question: str, text: str) -> AppTest:
    control = next(c for c in app.segmented_control if c.label == question)
    return control.set_value(text).run()


def test_a_run_of_another_version_hides_no_other_and_can_be_deleted(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    queue_run(runs_dir, "countdown-2")
    with open_index(runs_dir) as index:
        index.execute("UPDATE runs SET config = '{\"odd\": 1}' WHERE id = 'countdown-1'")
    app = open_overview()
    said = "\n".join(str(e.value) for e in [*app.markdown, *app.caption])
    assert "**1 run**" in said and "unreadable" in said and "odd" in said
    app.button(key="delete-countdown-1").click().run()
    button(app, "Delete it").click().run()
    assert not get_run_dir(runs_dir, "countdown-1").exists()


@pytest.mark.parametrize("how", ["garbage", "folder"])
def test_a_run_whose_database_is_no_database_is_a_card_on_every_page(
    runs_dir: Path, how: str
) -> None:
    write_finished_run(runs_dir)
    write_finished_run(runs_dir, "countdown-2", steps=2)
    damage(get_run_db_path(runs_dir, "countdown-1"), how)
    app = open_overview()
    assert "**2 runs**" in said_on(app) and "unreadable" in said_on(app)
    for name in ("monitor", "generations", "chat"):
        page = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
        page.query_params["run"] = "countdown-1"
        page.switch_page(f"{name}.py").run()
        assert not page.exception and "unreadable" in said_on(page), name
        assert len(page.selectbox(key="run_picker").options) == 2  # the other one is a click away
    page.button(key="delete-countdown-1").click().run()
    button(page, "Delete it").click().run()
    assert not page.exception and not get_run_dir(runs_dir, "countdown-1").exists()


def damage(path: Path, how: str) -> None:
    for file in (path, *list_wal_files(path)):
        file.unlink(missing_ok=True)
    if how == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"\7" * 5000)


def said_on(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in [*app.markdown, *app.caption, *app.error])


def test_a_folder_of_many_runs_shows_the_newest_and_more_when_asked(
    runs_dir: Path,
) -> None:
    for number in range(CARDS_SHOWN + 3):
        queue_run(runs_dir, f"countdown-{number}")
    app = open_overview()
    shown = [b for b in app.button if str(b.key).startswith("stop-")]
    assert len(shown) == CARDS_SHOWN
    button(app, "Show more (3 older)").click().run()
    assert len([b for b in app.button if str(b.key).startswith("stop-")]) == CARDS_SHOWN + 3
    assert not [b for b in app.button if "Show more" in b.label]
    assert len(app.dataframe[0].value) == CARDS_SHOWN + 3, "the table has them all from the start"


def test_the_demo_of_the_page_is_that_of_the_command_line_and_starts_anew_once_deleted(
    runs_dir: Path,
) -> None:
    first = launch_demo(runs_dir)
    assert launch_demo(runs_dir) == first
    stop(runs_dir, first)
    delete(runs_dir, first)
    button(open_overview(), "Start the Countdown demo").click().run()
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert run.id != first and launch_demo(runs_dir) == run.id


def test_a_finished_run_that_a_function_could_not_judge_says_so(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(2)
    run.end("finished", "'equation' could score no completion of any step (KeyError)")
    assert "'equation' could score no completion" in said_on(open_overview())
