"""A run's preflight on Monitor: what it wrote, best and worst, with its scores."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.diagnosis.preflight.examples import BestAndWorst, pick_examples
from rft_core.diagnosis.preflight.report import Preflight, write_preflight
from rft_core.paths import PROJECT_ROOT
from rft_core.store.preflights import StoredPreflight
from tests.diagnosis.dry_run_cases import make_tried
from tests.sample_run import begin_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def show_preflight(runs_dir: Path, examples: BestAndWorst) -> AppTest:
    run = begin_run(runs_dir)
    report = write_preflight(Preflight((), 0.5, 0.0, 0.0, None, None, None, (), examples))
    run.writer.record_preflight(StoredPreflight(2, 4, 1.0, 8, 0.0, 1.0, report))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["run"] = "countdown-1"
    app.switch_page("monitor.py").run()
    assert not app.exception
    assert any("2 prompts x 4 completions before step 1" in str(m.value) for m in app.markdown)
    return app


def list_cards(app: AppTest) -> list[str]:
    return [str(block.proto.body) for block in app.get("html") if 'class="gen"' in block.proto.body]


def test_the_best_and_the_worst_are_shown_with_their_scores_and_as_text(runs_dir: Path) -> None:
    texts = [f"wrote {at}" for at in range(7)] + ["<img src=x onerror=alert(1)>"]
    rewards = [0.5, 1.0, 0.4, 0.25, 0.3, 0.75, 0.1, 0.0]
    tried = make_tried(rewards, 4, texts=texts, lengths=[3] * 8)
    best, worst = list_cards(show_preflight(runs_dir, pick_examples(tried)))
    assert best.index("wrote 1") < best.index("wrote 5") < best.index("wrote 0")
    assert "Best 1" in best and "reward 0.75" in best and "wrote 4" not in best + worst
    assert "Worst 3" in worst and "wrote 6" in worst and "reward 0.1" in worst
    assert "&lt;img" in worst and "<img" not in worst


def test_a_preflight_of_before_they_were_kept_shows_none(runs_dir: Path) -> None:
    assert list_cards(show_preflight(runs_dir, BestAndWorst())) == []
