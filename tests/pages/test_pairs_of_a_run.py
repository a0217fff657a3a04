"""Pairs of a run's groups, made on the page of preferences and trained from on Train."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.data import PairSet
from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from rft_core.store.sets import get_set, list_sets
from tests.sample_run import write_finished_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    return tmp_path


def open_preferences() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["view"] = "Preferences"
    app.switch_page("chat.py").run()
    assert not app.exception
    return app


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def read_pair_sets(runs_dir: Path) -> list[PairSet]:
    with open_index(runs_dir) as index:
        ids = [row["id"] for row in list_sets(index, "pairs")]
        return [PairSet.from_json(get_set(index, "pairs", id).content) for id in ids]


def test_the_groups_of_a_run_become_pairs_that_dpo_is_prefilled_with(runs_dir: Path) -> None:
    run = write_finished_run(runs_dir)
    app = open_preferences()
    app.slider(key="graded_share").set_value(0.2)
    app.number_input(key="graded_most").set_value(1)
    press(app, "Make pairs of it")
    assert not app.error
    (made,) = read_pair_sets(runs_dir)
    assert f"{len(made.pairs)} pairs from" in app.success[0].value
    prompts = [pair.messages[-1]["content"] for pair in made.pairs]
    assert made.pairs and len(prompts) == len(set(prompts)), "one pair a prompt was asked for"
    assert all(pair.margin and pair.margin >= 0.5 for pair in made.pairs)
    app.button(key=f"train-dpo-{made.id}").click().run()
    assert not app.exception
    assert app.selectbox(key="config.pair_set").value == made.id
    with open_index(runs_dir) as index:
        config = get_run(index, run.id).config
    for name in ("task", "model"):  # those of the run whose answers they are
        assert app.selectbox(key=f"config.{name}").value == getattr(config, name)


def test_groups_that_earned_the_same_are_refused_and_nothing_is_stored(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = open_preferences()
    app.selectbox(key="graded_by").set_value("format")  # all of them have it
    press(app, "Make pairs of it")
    assert "gives no pairs" in app.error[0].value and not read_pair_sets(runs_dir)


def test_without_a_run_that_has_rewards_the_page_says_so(runs_dir: Path) -> None:
    app = open_preferences()
    assert any("No run here has rewards" in text.value for text in app.caption)
