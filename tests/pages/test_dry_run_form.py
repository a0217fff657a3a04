"""What the dry run's form takes from the draft of the Train page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from tests.sampling.processes import service_folder


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The Rewards page over a runs folder of its own."""
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")
    with service_folder(tmp_path):
        app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
        yield app.switch_page("rewards.py").run()


def test_a_dry_run_samples_and_weighs_as_the_draft_will_train(app: AppTest) -> None:
    drafted = {"dtype": "bfloat16", "top_k": 3, "top_p": "0.9", "scale_rewards": "batch"}
    for name, value in drafted.items():
        app.session_state[f"config.{name}"] = value
    app.number_input(key="dry_run_count").set_value(1)
    app.number_input(key="dry_run_group").set_value(2)
    next(button for button in app.button if button.label == "Run the dry run").click()
    app.run()
    assert not app.exception
    config = app.session_state["dry_run_samples"].config
    assert (config.dtype, config.top_k, config.top_p) == ("bfloat16", 3, 0.9)
    assert config.scale_rewards == "batch"
    assert config.num_generations == 2
    app.session_state["config.name"] = "of no matter to what is sampled"
    app.run()
    assert not [info for info in app.info if "have changed since" in info.value]
