"""The Chat page before anything is asked: bounds, examples, and what is read once."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.config_form import field_bounds
from rft_core.config import RunConfig
from rft_core.data.prompt_set import PromptSet
from rft_core.paths import PROJECT_ROOT, get_run_dir
from tests.tiny_run import add_tiny_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    return tmp_path


def open_chat(runs_dir: Path, **settings: Any) -> AppTest:
    add_tiny_run(runs_dir, Path("embedded/countdown"), **settings)
    get_run_dir(runs_dir, "tiny").mkdir()
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["run"] = "tiny"
    app.switch_page("chat.py").run()
    assert not app.exception
    return app


@pytest.mark.parametrize("length", [1, 16_384, field_bounds("max_completion_length")[1]])
def test_chat_opens_for_any_length_that_a_run_may_have(runs_dir: Path, length: int) -> None:
    app = open_chat(runs_dir, max_completion_length=length)
    [field] = [n for n in app.number_input if n.label == "Longest answer, tokens"]
    assert field.value == length
    assert (field.min, field.max) == field_bounds("max_completion_length")
    rules = RunConfig.model_fields["max_completion_length"].metadata
    assert field.max == next(rule.le for rule in rules if hasattr(rule, "le"))


def test_the_prompts_are_read_and_checked_once_per_set(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = PromptSet.from_json.__func__

    def count(cls: type[PromptSet], text: str) -> PromptSet:
        read.append(text)
        return original(cls, text)

    monkeypatch.setattr(PromptSet, "from_json", classmethod(count))
    app = open_chat(runs_dir)
    app.run()
    app.run()
    assert not app.exception
    assert len(read) <= 1  # none where another test has shown the same set
