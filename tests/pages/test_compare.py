"""Compare, driven without a browser."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from tests.compared_runs import write_evaluation, write_two_runs
from tests.sample_run import begin_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    write_two_runs(tmp_path)
    return tmp_path


def open_compare(runs: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app.query_params["runs"] = runs
    app = app.switch_page("compare.py").run()
    assert not app.exception, app.exception
    return app


def said_on(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in [*app.markdown, *app.caption, *app.info, *app.warning])


def test_runs_that_share_no_evaluation_are_held_against_each_other_on_validation_rows(
    runs_dir: Path,
) -> None:
    app = open_compare("one,two")
    table = app.table[0].value
    assert set(table.index) == {r"reward\_set", r"learning\_rate", "seed"}
    assert list(table.loc["seed"]) == ["0", "7"]
    (changed,) = [code.value for code in app.code if "+    # short is good" in code.value]
    assert "-weight: 0" in changed
    assert "6 validation rows that both were validated on, at steps 20 and 20" in said_on(app)


def test_an_evaluation_shows_rows_of_every_direction_with_both_texts(runs_dir: Path) -> None:
    write_evaluation(runs_dir, one=("A", "A", "b", "b"), two=("b", "A", "A", "b"))
    app = open_compare("one,two")
    which = app.segmented_control(key="direction-one-two")
    assert which.options == ["1 turned wrong", "1 turned right", "1 still wrong in both"]
    for direction, verdicts in (
        ("to wrong", ["right", "wrong"]), ("to right", ["wrong", "right"]),
        ("still wrong", ["wrong", "wrong"]),
    ):  # fmt: skip
        app = app.segmented_control(key="direction-one-two").set_value(direction).run()
        cards = [html.proto.body for html in app.get("html") if 'class="gen"' in html.proto.body]
        assert [">right<" in card for card in cards] == [v == "right" for v in verdicts]


def test_seeds_are_one_group_and_every_run_can_be_cloned(runs_dir: Path) -> None:
    for seed in (1, 2):
        run = begin_run(runs_dir, f"seed-{seed}", name="Seeds", max_steps=5, seed=seed, beta=0.3)
        run.train(5)
        run.end()
    app = open_compare("one,seed-1,seed-2")
    heads = [html.proto.body for html in app.get("html") if "border-top:4px" in html.proto.body]
    assert len(heads) == 2 and "Seeds  ·  seeds 1, 2" in heads[1]
    assert app.selectbox(key="against").options == ["Seeds  ·  seed-1", "Seeds  ·  seed-2"]
    app = app.button(key="clone-seed-2").click().run()
    assert not app.exception
    assert app.session_state["config.beta"] == "0.3" and app.session_state["config.seed"] == 2
    assert app.session_state["config.name"] == "Seeds (clone)"


def test_one_run_or_none_says_what_to_do(runs_dir: Path) -> None:
    app = open_compare("one,gone")
    assert "Not here any more: gone" in said_on(app) and "Choose two runs" in said_on(app)
    app = app.multiselect(key="compared_runs").set_value(["one", "two"]).run()
    assert app.query_params["runs"] == "one,two" and "turned wrong" in said_on(app)
