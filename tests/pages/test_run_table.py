"""The table of all runs on Overview, driven without a browser."""

import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.run_table import TableView, filter_lines, make_frame
from rft_core.paths import PROJECT_ROOT, get_run_dir
from rft_core.store.index import open_index
from rft_core.store.listing.labels import add_tag, list_labels, set_archived
from rft_core.store.listing.run_lines import RunLines, read_run_lines
from tests.sample_run import queue_run, write_finished_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    for name in ("a", "b", "c"):
        write_finished_run(tmp_path, f"run-{name}", steps=2)
        time.sleep(0.001)
    return tmp_path


def open_overview() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    assert not app.exception
    return app


def select(app: AppTest, *ids: str) -> AppTest:
    app.session_state["run_table_selected"] = ids
    app = app.run()
    assert not app.exception, app.exception
    return app


def button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if b.label == label)


def read(runs_dir: Path) -> RunLines:
    with open_index(runs_dir) as index:
        return read_run_lines(index, runs_dir)


def shown(app: AppTest) -> list[str]:
    return [name.split("·")[-1].strip() for name in app.dataframe[0].value["Run"]]


def test_lines_are_searched_filtered_and_grouped(runs_dir: Path) -> None:
    with open_index(runs_dir) as index:
        add_tag(index, ["run-a", "run-c"], "good")
        set_archived(index, ["run-c"], True)
    queue_run(runs_dir, "run-q", name="Another")
    lines = read(runs_dir).lines
    for view, ids in (
        (TableView(), ["run-q", "run-b", "run-a"]),
        (TableView(archived=True), ["run-q", "run-c", "run-b", "run-a"]),
        (TableView(text="SAMPLE countdown good"), ["run-a"]),
        (TableView(states=("queued",)), ["run-q"]),
        (TableView(tags=("good",), archived=True), ["run-c", "run-a"]),
        (TableView(group="tags"), ["run-a", "run-q", "run-b"]),
    ):
        assert [line.id for line in filter_lines(lines, view)] == ids, view
    grouped = TableView(group="state")
    frame = make_frame(filter_lines(lines, grouped), grouped)
    assert list(frame["Group"]) == ["finished · 2", "finished · 2", "queued · 1"]
    assert frame["Curve"].iloc[0] and frame["Step"].tolist() == [2, 2, 0]


def test_two_selected_runs_can_be_compared_and_one_opened(runs_dir: Path) -> None:
    app = open_overview()
    assert all(button(app, label).disabled for label in ("Open", "Compare", "Archive"))
    app = select(app, "run-a")
    assert button(app, "Compare").disabled and not button(app, "Open").disabled
    assert app.button(key="delete-run-a"), "the selected run has its card"
    app = select(app, "run-a", "run-b")
    assert button(app, "Open").disabled
    app = button(app, "Compare").click().run()
    assert not app.exception and app.query_params["runs"] == "run-b,run-a"


def test_an_archived_run_is_hidden_until_asked_for_and_comes_back(runs_dir: Path) -> None:
    app = select(open_overview(), "run-a")
    app = button(app, "Archive").click().run()
    assert shown(app) == ["run-c", "run-b"]
    assert "1 archived" in "\n".join(m.value for m in app.markdown)
    app = app.toggle(key="archived").set_value(True).run()
    assert shown(app) == ["run-c", "run-b", "run-a"]
    app = button(select(app, "run-a"), "Unarchive").click().run()
    app = app.toggle(key="archived").set_value(False).run()
    assert shown(app) == ["run-c", "run-b", "run-a"]


def test_a_new_tag_is_given_to_all_that_are_selected(runs_dir: Path) -> None:
    app = select(open_overview(), "run-a", "run-c")
    app = app.text_input(key="new_tag").input("seed study").run()
    with open_index(runs_dir) as index:
        assert {run: one.tags for run, one in list_labels(index).items()} == {
            "run-a": ("seed study",), "run-c": ("seed study",),
        }  # fmt: skip
    app = app.multiselect(key="run_tags").set_value(["seed study"]).run()
    assert shown(app) == ["run-c", "run-a"]


def test_selected_runs_are_deleted_once_that_is_confirmed(runs_dir: Path) -> None:
    queue_run(runs_dir, "run-q")
    app = select(open_overview(), "run-a", "run-b", "run-q")
    app = app.button(key="delete-selected").click().run()
    assert get_run_dir(runs_dir, "run-a").exists()
    assert "1 of them are active" in app.warning[0].value
    app = app.button(key="confirm-delete-all").click().run()
    assert not app.exception and shown(app) == ["run-q", "run-c"]
    assert not get_run_dir(runs_dir, "run-a").exists()


def test_a_run_that_comes_or_goes_moves_no_selection_to_another_run(runs_dir: Path) -> None:
    app = select(open_overview(), "run-b")
    queue_run(runs_dir, "run-q")
    app = app.run()
    assert shown(app)[0] == "run-q"
    assert app.session_state["run_table"]["selection"]["rows"] == [2]
    assert app.session_state["run_table_selected"] == ("run-b",)
