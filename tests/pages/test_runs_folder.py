"""A runs folder that cannot be used: every page says so in one sentence, and none breaks."""

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT

PAGES = ("overview", "prompts", "rewards", "train", "monitor", "generations", "chat", "evaluate")


def make_file(place: Path) -> None:
    place.write_text("")


def make_circle(place: Path) -> None:
    place.symlink_to(place)


@pytest.mark.parametrize("make", [make_file, make_circle])
def test_every_page_names_a_runs_folder_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None]
) -> None:
    place = tmp_path / "place"
    make(place)
    monkeypatch.setenv("RFT_RUNS_DIR", str(place))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for page in PAGES:
        app = app.switch_page(f"{page}.py").run()
        assert not app.exception, page
        (told,) = {str(error.value) for error in app.error}
        assert "cannot be written" in told and "RFT\\_RUNS\\_DIR" in told
