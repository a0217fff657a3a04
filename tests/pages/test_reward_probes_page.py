"""Probes on the Rewards page, driven without a browser: verdict, table, and when it is outdated."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient

ANY_TEXT = "def any_text(completions, **kw):\n    return [float(bool(c)) for c in completions]\n"


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    GenerationClient(folder).stop()


@pytest.fixture(autouse=True)
def _environment(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")


def open_rewards() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    return checked(app.switch_page("rewards.py").run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return checked(app.run())


def html_of(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def test_countdowns_own_rewards_hold() -> None:
    app = click(open_rewards(), "Run the probes")
    assert any("the gold completion earns 2" in str(box.value) for box in app.success)
    assert "Holds" in html_of(app) and "Pays" not in html_of(app)


def test_what_pays_is_named_until_the_rewards_are_edited() -> None:
    app = click(open_rewards(), "Python starter")
    editor = next(area for area in app.text_area if area.label == "Reward source")
    editor.set_value(ANY_TEXT)
    click(checked(app.run()), "Run the probes")
    assert any("a refusal" in str(box.value) for box in app.error)
    assert "Pays" in html_of(app) and "any_text" in html_of(app)
    next(a for a in app.text_area if a.label == "Reward source").set_value(ANY_TEXT + "# edited\n")
    checked(app.run())
    assert any("changed since these probes" in box.value for box in app.info)


def test_the_models_completions_of_the_dry_run_are_compared_with() -> None:
    app = open_rewards()
    app.number_input(key="dry_run_count").set_value(2)
    app.number_input(key="dry_run_group").set_value(4)
    checked(app.run())
    click(click(app, "Run the dry run"), "Run the probes")
    assert any("the model so far" in str(box.value) for box in app.success)


def test_the_shortest_lie_is_shown_as_a_card_with_why_it_is_wrong() -> None:
    app = click(open_rewards(), "Python starter")
    editor = next(area for area in app.text_area if area.label == "Reward source")
    editor.set_value(ANY_TEXT)
    click(checked(app.run()), "Find the shortest lie")
    assert any("paid in full and wrong" in str(box.proto) for box in app.error)
    assert any("the graders of the task countdown" in str(box.value) for box in app.error)
    assert "The lie · full pay is 1" in html_of(app) and "any_text" in html_of(app)
    next(a for a in app.text_area if a.label == "Reward source").set_value(ANY_TEXT + "# edited\n")
    checked(app.run())
    assert any("changed since this search" in box.value for box in app.info)


def test_rewards_that_are_their_own_check_are_not_searched() -> None:
    app = click(open_rewards(), "Find the shortest lie")
    assert any("no independent check" in str(box.value) for box in app.error)
