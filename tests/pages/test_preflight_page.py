"""The verdict on the Rewards page: figures with intervals, cause and cure, the prompts to keep."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.data import PromptSet
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    GenerationClient(folder).stop()


@pytest.fixture(autouse=True)
def _environment(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label.startswith(label)).click()
    return checked(app.run())


def dry_run(prompts: int = 6, size: int = 4, length: int = 80) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    checked(app.switch_page("rewards.py").run())
    values = {"dry_run_count": prompts, "dry_run_group": size, "dry_run_length": length}
    for key, value in values.items():
        app.number_input(key=key).set_value(value)
    return click(checked(app.run()), "Run the dry run")


def cards(app: AppTest) -> str:
    """The markup of the figures and warnings."""
    return "\n".join(element.proto.body for element in app.get("html"))


def page_text(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.success, *app.warning, *app.error]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def test_a_dry_run_shows_what_the_first_step_will_record() -> None:
    app = dry_run()
    shown = cards(app)
    for name in ("Reward", "format", "equation", "Groups that teach", "Cut off", "Time per step"):
        assert f'<span class="pf-name">{name}</span>' in shown
    assert "pf-track" in shown and "of 16" in shown
    assert "A step of 16 prompts x 4 completions" in page_text(app)


def test_the_headline_names_the_cause_and_the_cure() -> None:
    app = dry_run(length=4)
    [headline] = app.error
    assert "cut off at 4 tokens" in headline.value
    assert "raise max" in headline.value and "to 10." in headline.value
    assert "all rewards are equal" in cards(app)


def test_the_prompts_in_between_are_kept_as_a_set_and_chosen(runs_dir: Path) -> None:
    app = dry_run()
    click(app, "Keep the")
    with open_index(runs_dir) as index:
        [row] = list_sets(index, "prompts")
        kept = PromptSet.from_json(get_set(index, "prompts", row["id"]).content)
    assert 0 < len(kept.train_rows) < 6 and len(kept.validation_rows) == 64
    assert f"with {len(kept.train_rows)} prompts" in page_text(app)
    assert app.selectbox(key="dry_run_prompts").value == kept.id
    click(app, "Run the dry run")
    assert "How often the prompts were solved" in page_text(app)


def test_what_counts_as_solved_can_be_chosen() -> None:
    app = dry_run()
    assert app.selectbox(key="band_function").value == "equation"
    app.selectbox(key="band_function").set_value("")
    checked(app.run())
    threshold = next(field for field in app.number_input if field.label == "of at least")
    assert threshold.value == 2.0
    threshold.set_value(0.0)
    checked(app.run())
    assert next(b for b in app.button if b.label.startswith("Keep the")).disabled
    assert "Every prompt" not in page_text(app) and "0 of 6 prompts" in page_text(app)


def test_where_nothing_can_be_scored_no_prompt_is_called_good_to_learn_from() -> None:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    checked(app.switch_page("rewards.py").run())
    click(app, "Python starter")
    silent = "def silent(completions, **columns):\n    return [None for _ in completions]\n"
    next(area for area in app.text_area if area.label == "Reward source").set_value(silent)
    app.number_input(key="dry_run_count").set_value(2)
    app.number_input(key="dry_run_group").set_value(2)
    checked(app.run())
    text = page_text(click(app, "Run the dry run"))
    assert "nothing can be learnt" in text
    assert "good to learn from" not in text and "Solved means" not in text
