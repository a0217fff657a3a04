"""Unsaved rewards in sessions of the page that follow each other: nothing is lost or made up."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from rft_core.store.drafts import find_draft
from rft_core.store.index import open_index

SOURCE = "def near(completions, **columns):\n    return [1.0 for _ in completions]\n"


@pytest.fixture(autouse=True)
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")
    return tmp_path


def open_rewards(draft: str = "") -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    if draft:
        app.query_params["draft"] = draft
    return checked(app.switch_page("rewards.py").run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return checked(app.run())


def read_kept(runs_dir: Path) -> str:
    with open_index(runs_dir) as index:
        found = find_draft(index, "rewards", who="local")
    return found.id if found else ""


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def write(app: AppTest, source: str) -> None:
    click(app, "Python starter")
    next(area for area in app.text_area if area.label == "Reward source").set_value(source)
    checked(app.run())


def test_looking_at_rewards_keeps_nothing(runs_dir: Path) -> None:
    app = open_rewards()
    checked(app.run())
    click(app, "Python starter")
    checked(app.run())
    assert read_kept(runs_dir) == ""
    assert "Back to what I had" not in labels(open_rewards())


def test_what_was_typed_and_set_is_there_in_a_new_session(runs_dir: Path) -> None:
    app = open_rewards()
    write(app, SOURCE)
    next(field for field in app.number_input if field.label == "near").set_value(0.25)
    checked(app.run())
    name = next(field for field in app.text_input if field.label == "Name")
    name.set_value("my draft")
    checked(app.run())

    again = open_rewards(read_kept(runs_dir))
    checked(again.run())
    source = next(area for area in again.text_area if area.label == "Reward source")
    assert source.value == SOURCE
    assert next(f for f in again.number_input if f.label == "near").value == 0.25
    assert next(f for f in again.text_input if f.label == "Name").value == "my draft"
    assert not [w for w in again.warning if "default value" in w.value]


def test_grader_rows_come_back_with_their_options(runs_dir: Path) -> None:
    app = open_rewards()
    weights = [field for field in app.number_input if field.label == "Weight"]
    weights[0].set_value(0.125)
    checked(app.run())
    again = open_rewards(read_kept(runs_dir))
    kept = [field.value for field in again.number_input if field.label == "Weight"]
    assert kept[0] == 0.125 and len(kept) == len(weights)


def test_an_address_without_a_draft_offers_the_newest(runs_dir: Path) -> None:
    write(open_rewards(), SOURCE)
    again = open_rewards()
    assert SOURCE not in [area.value for area in again.text_area]
    click(again, "Back to what I had")
    assert SOURCE in [area.value for area in again.text_area]


def test_an_address_with_an_unknown_draft_begins_as_usual(runs_dir: Path) -> None:
    app = open_rewards("rewards-stranger")
    assert [field for field in app.number_input if field.label == "Weight"]
    assert read_kept(runs_dir) == ""
