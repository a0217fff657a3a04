"""Evaluate, driven without a browser: what was measured is there again after a reload."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.config import make_config
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import PROJECT_ROOT, get_adapter_dir, get_run_db_path
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.index import open_index
from rft_core.store.runs import add_run
from rft_core.types import Completion


def open_evaluate() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app = app.switch_page("evaluate.py").run()
    assert not app.exception, app.exception
    return app


def put_adapter(runs_dir: Path, run_id: str) -> None:
    folder = get_adapter_dir(runs_dir, run_id)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"w")


def test_a_measured_result_is_there_after_a_reload(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model is stood in for; rows, judge, storage and page are the real ones."""
    asked: list[int] = []

    def sample(client, model, prompts, n, params, *, adapter=None, on_progress=None):
        asked.append(n)
        on_progress(LoadProgress("Loaded", 1.0))
        on_progress(LoadProgress("Sampling", 0.5))
        return [[Completion("no", (), False)] * n for _ in prompts]

    monkeypatch.setattr(GenerationClient, "sample", sample)
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    with open_index(tmp_path) as index:
        add_run(index, id="a", config=pin_sets(index, make_config({"num_prompts": 8})))
    put_adapter(tmp_path, "a")

    app = open_evaluate()
    assert not app.dataframe and not asked
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert not app.exception and len(app.dataframe) == 1 and len(asked) == 2
    measured = app.dataframe[0].value

    reloaded = open_evaluate()
    assert reloaded.dataframe[0].value.equals(measured) and len(asked) == 2


def put_garbage(place: Path) -> None:
    place.write_bytes(b"not a database " * 500)


@pytest.mark.parametrize("damage", [put_garbage, Path.mkdir])
@pytest.mark.parametrize("has_adapter", [True, False])
def test_a_run_whose_database_cannot_be_read_does_not_end_the_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    has_adapter: bool,
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    for run_id in ("whole", "damaged"):
        with open_index(tmp_path) as index:
            add_run(index, id=run_id, config=pin_sets(index, make_config({"num_prompts": 8})))
        put_adapter(tmp_path, run_id)
    if not has_adapter:
        shutil.rmtree(get_adapter_dir(tmp_path, "damaged"))
    damage(get_run_db_path(tmp_path, "damaged"))

    app = open_evaluate()
    assert not app.error and "Evaluate" in [button.label for button in app.button]
    offered = app.multiselect(key="evaluate_runs").options
    assert len(offered) == 1 + has_adapter and any("whole" in option for option in offered)
    app = app.switch_page("train.py").run()
    assert not app.exception and not app.error
