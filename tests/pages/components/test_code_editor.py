"""The editor's plain stand-in, which AppTest can drive."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.rewards.code_editor import _syntax_markers


def _page() -> None:
    import streamlit as st

    from pages.components.rewards.code_editor import code_editor

    result = code_editor("source", "first", label="Reward source")
    st.text(f"{result.text}|{result.run_requested}")


def test_the_plain_editor_returns_its_text_and_runs_on_the_button(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")
    app = AppTest.from_function(_page).run()
    assert app.text[0].value == "first|False"
    app.text_area[0].set_value("second").run()
    app.button[0].click().run()
    assert app.text[0].value == "second|True"


def test_a_page_with_the_real_editor_runs_without_a_browser() -> None:
    app = AppTest.from_function(_page).run()
    assert not app.exception
    assert app.text[0].value == "first|False"


def test_a_syntax_error_is_marked_on_its_line_and_valid_code_is_not() -> None:
    assert _syntax_markers("x = 1\n") == []
    (marker,) = _syntax_markers("x = 1\ny = = 2\n")
    assert (marker.line, marker.severity) == (2, "error")
    assert _syntax_markers("x = '\0'")[0].line == 1
