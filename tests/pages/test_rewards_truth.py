"""Rewards: which functions say that a completion is right, chosen, stored and opened again."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets


def test_what_counts_as_right_is_chosen_stored_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")
    app = _open()
    assert _right(app).value == ["equation"]
    _right(app).set_value(["format"])
    app.run()
    next(field for field in app.text_input if (field.key or "").endswith("set-name")).set_value("x")
    next(b for b in app.button if b.label == "Save as a new version").click()
    assert not app.run().exception
    with open_index(tmp_path) as index:
        [row] = list_sets(index, "rewards")
        stored = RewardSet.from_json(get_set(index, "rewards", row["id"]).content)
    assert stored.truth == ("format",)
    assert _right(_open(rewards=stored.id)).value == ["format"]


def _open(**query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("rewards.py").run()
    assert not app.exception, app.exception
    return app


def _right(app: AppTest) -> Any:
    return next(field for field in app.multiselect if field.label == "Right where full")
