"""Train, for methods that learn from pairs: one is chosen by name, and nothing starts without."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.jobs.pinning import store_pair_set
from rft_core.paths import PROJECT_ROOT
from rft_core.store.index import open_index
from rft_core.store.runs import get_run, list_runs
from tests.tiny_run import make_tiny_pairs


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def test_a_pair_set_is_chosen_by_its_name_and_a_run_launched_with_it(runs_dir: Path) -> None:
    pairs = make_tiny_pairs()
    with open_index(runs_dir) as index:
        store_pair_set(index, pairs)
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.switch_page("train.py").run()
    assert "config.pair_set" not in [box.key for box in app.selectbox]
    app.selectbox(key="config.method").set_value("dpo").run()
    launch = next(button for button in app.button if button.label == "Launch")
    assert launch.disabled and any("learns from pairs" in str(w.value) for w in app.warning)
    assert app.text_input(key="config.learning_rate").value == "0.0001"  # what suits DPO
    chooser = app.selectbox(key="config.pair_set")
    assert list(chooser.options) == ["none chosen", "tiny · 8 pairs"]
    chooser.set_value(pairs.id).run()
    assert any("judgements with all their pairs" in str(done.value) for done in app.success)
    next(button for button in app.button if button.label == "Launch").click().run()
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
        assert get_run(index, run.id).config.pair_set == pairs.id
