"""What people or models wrote is shown as text on every page: no Markdown, no HTML, no formula."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.page_header import plain
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.paths import PROJECT_ROOT, get_adapter_dir
from tests.sample_run import begin_run
from tests.tiny_model import make_tiny_adapter

HOSTILE = "![](http://x) <img src=x onerror=alert(1)> **b** $x$ :red[y] [z](http://z) `c`"
MARKS = ("![](", " <img", " **b", " $x", " :red[", " [z](")  # escaped, a backslash is in between
PAGES = sorted(path.name for path in (PROJECT_ROOT / "pages").glob("*.py"))


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A failed run with an adapter, whose name and last words are hostile."""
    folder = tmp_path_factory.mktemp("hostile")
    run = begin_run(folder, name=HOSTILE[:80])
    run.train(20)
    run.end("failed", HOSTILE)
    make_tiny_adapter(EMBEDDED_MODELS["embedded/countdown"], get_adapter_dir(folder, run.id))
    return folder


def drawn_texts(block: Any) -> Iterator[str]:
    """Every label, body and help text that the browser reads as Markdown."""
    for child in getattr(block, "children", {}).values():
        proto = getattr(child, "proto", None)
        if getattr(child, "type", "") != "html":
            for field in ("label", "body", "help"):
                yield str(getattr(proto, field, ""))
        yield from drawn_texts(child)


@pytest.mark.parametrize("page", [page for page in PAGES if page != "navigation.py"])
def test_nothing_that_was_written_reaches_a_page_as_markup(
    page: str, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60)
    app.query_params["run"] = "countdown-1"
    app.switch_page(page).run()
    assert not app.exception
    texts = list(drawn_texts(app._tree.root))
    assert len(texts) > 10
    for text in texts:
        assert not any(mark in f" {text}" for mark in MARKS), text
    if page in ("overview.py", "monitor.py"):
        assert any(plain(HOSTILE) in text for text in texts), "the message is not shown at all"
