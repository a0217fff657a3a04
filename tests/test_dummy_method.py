"""A new method is one module and one row: then it trains, is offered on Train and in `--help`, and
its own panel stands on Monitor."""

import subprocess
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.config import METHODS
from rft_core.paths import PROJECT_ROOT
from rft_core.store.run_reader import metrics_frame, open_run
from tests.dummy_method import ROW
from tests.tiny_model import make_tiny_model
from tests.tiny_run import live_in_process
from tests.training.test_methods import make_gold_prompts

MODULE = """
from rft_core.training import sft


class Parrot(sft.RecordedSFT):
    def log(self, logs, start_time=None):
        if "loss" in logs:
            logs["squawks"] = 3.0
        super().log(logs, start_time)


def make_trainer(parts):
    trainer = sft.make_trainer(parts)
    trainer.__class__ = Parrot
    return trainer
"""


@pytest.fixture
def parrot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The module on the path, the row in the registry, an empty runs folder."""
    (tmp_path / "parrot_method.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(METHODS, "parrot", ROW)
    runs_dir = tmp_path / "runs"
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return runs_dir


def open_page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page(name).run()
    assert not app.exception
    return app


def test_it_trains_and_its_panel_is_on_monitor(
    parrot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tiny_run import add_tiny_run

    model = make_tiny_model(tmp_path / "model")
    add_tiny_run(parrot, model, method="parrot", gold_column="gold", prompts=make_gold_prompts())
    assert live_in_process(parrot).outcome == "finished"
    with open_run(parrot, "tiny") as db:
        frame = metrics_frame(db)
    assert (frame[frame["name"] == "squawks"]["value"] == 3.0).sum() == 4

    drawn: list[str] = []
    from pages.components.charts import live_chart as charts

    original = charts.live_chart

    def watch(key: str, panels: list[object], *args: object, **kwargs: object) -> object:
        drawn.extend(panel.title for panel in panels)  # type: ignore[attr-defined]
        return original(key, panels, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(charts, "live_chart", watch)
    open_page("monitor.py", run="tiny")
    assert "Squawks" in drawn and "KL to the reference" not in drawn


def test_it_is_offered_on_train_with_the_settings_of_its_family_alone(parrot: Path) -> None:
    app = open_page("train.py")
    box = app.selectbox(key="config.method")
    assert "Parrot" in box.options
    box.set_value("parrot").run()
    assert not app.exception
    keys = {str(w.key) for w in [*app.number_input, *app.text_input, *app.toggle, *app.selectbox]}
    assert "config.gold_column" in keys and "config.num_generations" not in keys
    assert "--set method=parrot" in app.code[0].value


def test_it_is_in_the_help_of_the_command_line(parrot: Path) -> None:
    script = (
        "from rft_core.config import METHODS\n"
        "from tests.dummy_method import ROW\n"
        "METHODS['parrot'] = ROW\n"
        "from rft_core.cli.app import app\n"
        "app(['launch', '--help'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "400", "PYTHONPATH": str(PROJECT_ROOT)},
    )  # fmt: skip
    assert "parrot: Repeats what it is told." in " ".join(done.stdout.split())


def test_the_registry_is_read_without_torch() -> None:
    script = "import sys, rft_core.config; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], cwd=PROJECT_ROOT, check=True)
