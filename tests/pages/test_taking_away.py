"""Overview offers what can be taken away, and the dialog refuses what leads elsewhere."""

from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.taking_away import place, propose_name
from rft_core.errors import BadInputError
from rft_core.paths import PROJECT_ROOT, get_adapter_dir, get_exports_dir
from rft_core.store.adapters import StoredAdapter, has_adapter
from rft_core.store.exports import ExportRequest
from rft_core.store.run_writer import RunWriter
from tests.tiny_run import add_tiny_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs that ended, of which one has an adapter."""
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    for run in ("with", "without"):
        add_tiny_run(tmp_path, tmp_path / "model", run)
        with closing(RunWriter(tmp_path, run)) as writer:
            writer.start_attempt(from_step=0, pid=1)
            writer.end_attempt("finished", "")
    get_adapter_dir(tmp_path, "with").mkdir()
    (get_adapter_dir(tmp_path, "with") / "adapter_config.json").write_text("{}")
    return tmp_path


def test_overview_offers_the_runs_that_have_an_adapter(runs_dir: Path) -> None:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    assert not app.exception, app.exception
    app.session_state["run_table_selected"] = ("with",)
    app = app.run()
    assert not app.exception, app.exception
    assert [b.key for b in app.button if b.label == "Export"] == ["export-with"]
    assert has_adapter(runs_dir, "with") and not has_adapter(runs_dir, "without")


@pytest.mark.parametrize("name", ["", " ", "a/b", "../a", "/etc/a", ".hidden", ".."])
def test_a_folder_that_lies_elsewhere_is_refused(runs_dir: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="no name for a folder"):
        place(name)
    assert place("my model") == get_exports_dir(runs_dir) / "my model"


def test_a_folder_is_proposed_that_is_not_there(runs_dir: Path) -> None:
    adapter = StoredAdapter("with", 40, runs_dir)
    request = ExportRequest("with", str(get_exports_dir(runs_dir) / "x"), push="me/x")
    assert propose_name("with", adapter, "Merged model", None) == "with-merged-step-40"
    (get_exports_dir(runs_dir) / "with-merged-step-40").mkdir(parents=True)
    assert propose_name("with", adapter, "Merged model", request) == "with-merged-step-40-2"
