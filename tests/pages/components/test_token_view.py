"""The token view: which checkpoint reads, what is coloured, and nothing that a model wrote runs."""

from pathlib import Path

from pages.components.completions.completion_html import evidence_html
from pages.components.completions.token_view import choose_adapter, list_shades, tokens_html
from rft_core.sampling.service.messages import TokensRead
from rft_core.store.adapters import StoredAdapter

READ = TokensRead(("<b>", "\n"), (-0.5, -6.0), (0.1, 2.5), (-2.5, -5.0))


def test_the_newest_checkpoint_before_the_step_reads() -> None:
    adapters = [StoredAdapter("r", step, Path(f"s{step}")) for step in (None, 20, 10)]
    assert choose_adapter(adapters, 20) == adapters[2]
    assert choose_adapter(adapters, 21) == adapters[1]
    assert choose_adapter(adapters, 10) is None and choose_adapter([], 5) is None


def test_tokens_are_coloured_by_what_was_asked_and_escaped() -> None:
    shades = list_shades(READ)
    assert shades["Changed"].values == (2.0, -1.0)
    html = tokens_html(READ, shades["Changed"])
    assert "<b>" not in html and "&lt;b&gt;" in html and "↵&#10;" in html
    assert "rgba(217, 72, 95, 0.75)" in html and "rgba(47, 111, 222, 0.38)" in html
    assert "log-probability -0.500 · entropy 0.100 · base -2.500 · log ratio +2.000" in html


def test_only_a_picture_is_shown_as_one() -> None:
    assert "<img" in evidence_html("data:image/png;base64,AAAA")
    for text in ("data:image/svg+xml;base64,AAAA", 'data:image/png;base64,A" onerror="x', "<img>"):
        assert "<img" not in evidence_html(text) and "<div" in evidence_html(text)
    assert evidence_html("") == ""
