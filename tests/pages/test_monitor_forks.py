"""Forks from Monitor, driven without a browser: from where, and with which settings."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from tests.sample_run import queue_run, write_finished_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def test_the_fork_dialog_offers_every_checkpoint(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["run"] = "countdown-1"
    app.switch_page("monitor.py").run()
    app.button(key="fork-run").click().run()
    assert not app.exception
    assert app.selectbox[-1].options == ["step 10", "step 20", "step 30"]


@pytest.mark.parametrize(
    ("stages", "offered", "kept"),
    [
        ("sft 4; grpo 6 learning_rate=0.03 beta=0.5", ["learning_rate", "beta", "max_steps"], 0.03),
        ("grpo 4; sft 6 learning_rate=0.02", ["learning_rate", "max_steps"], 0.02),
    ],
)
def test_a_fork_of_stages_goes_on_with_the_last_ones_settings(
    runs_dir: Path, stages: str, offered: list[str], kept: float
) -> None:
    queue_run(runs_dir, "countdown-1", stages=stages)
    app = AppTest.from_function(ask_for_the_settings_of_a_fork).run()
    boxes = {box.label: box for box in app.text_input}
    assert list(boxes) == offered
    assert boxes["learning_rate"].value == f"{kept:g}" and boxes["max_steps"].value == "6"
    assert app.session_state["changes"] == {}
    boxes["max_steps"].set_value("8").run()
    assert app.session_state["changes"] == {"max_steps": "8"}  # and nothing else


def ask_for_the_settings_of_a_fork() -> None:
    import streamlit as st

    from pages.components.runs.header import ask_for_settings
    from rft_core.paths import get_runs_dir
    from rft_core.store.index import open_index
    from rft_core.store.runs import get_run

    with open_index(get_runs_dir()) as index:
        st.session_state["changes"] = ask_for_settings(get_run(index, "countdown-1"))
