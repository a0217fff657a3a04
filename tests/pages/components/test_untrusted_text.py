"""Hidden characters of a model's text are spelled, and texts of all scripts stay as they are."""

from html import unescape

import pytest
from streamlit.string_util import clean_text

from pages.components.untrusted_text import safe_html, spell_unseen


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("50\u202e05", "50⟨U+202E⟩05"),
        ("4\u200b2", "4⟨U+200B⟩2"),
        ("a\u200db", "a⟨U+200D⟩b"),
        ("\ufeff1", "⟨U+FEFF⟩1"),
        ("x\u2066y\u2069", "x⟨U+2066⟩y⟨U+2069⟩"),
        ("\x1b[31mred", "⟨U+001B⟩[31mred"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("soft\xadhyphen", "soft⟨U+00AD⟩hyphen"),
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, shown: str) -> None:
    assert spell_unseen(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "two\n\tlines",
        "العربية",
        "می\u200cخواهم",
        "क्\u200dष",
        "👩\u200d👩\u200d👧",
        "中文",
        "e\u0301",
        "½ × π",
    ],
)
def test_texts_of_all_scripts_stay_as_they_are(text: str) -> None:
    assert spell_unseen(text) == text


def test_html_is_escaped() -> None:
    assert safe_html("<b>\u202e") == "&lt;b&gt;⟨U+202E⟩"


def test_html_keeps_its_lines_where_streamlit_dedents_them() -> None:
    text = "  if x:\n\n      \n    y\n"
    html = f"<p>{safe_html(text)}</p>"
    assert unescape(clean_text(html)) == f"<p>{text}</p>"
