"""Evaluate, driven without a browser: what was measured is there again after a reload."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.config import make_config
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import PROJECT_ROOT, get_adapter_dir
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
    folder = get_adapter_dir(tmp_path, "a")
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"w")

    app = open_evaluate()
    assert not app.dataframe and not asked
    next(button for button in app.button if button.label == "Evaluate").click().run()
    assert not app.exception and len(app.dataframe) == 1 and len(asked) == 2
    measured = app.dataframe[0].value

    reloaded = open_evaluate()
    assert reloaded.dataframe[0].value.equals(measured) and len(asked) == 2
