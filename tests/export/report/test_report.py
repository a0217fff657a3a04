"""A run's report: one file that holds what it promises, runs nothing, and fetches nothing."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rft_core.diagnosis.finding import Finding
from rft_core.errors import NotFoundError
from rft_core.export.report.contents import read_contents
from rft_core.export.report.escaping import escape_text
from rft_core.export.report.sections import findings_section
from rft_core.figures import Curves, extend_curves
from rft_core.jobs.reporting import make_report
from rft_core.store.generations import list_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.state.status import get_run_status
from tests.compared_runs import write_evaluation
from tests.sample_run import HOSTILE, begin_run, queue_run


class Reader(HTMLParser):
    """What a browser would build: every tag, and what could load or run something."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.dangerous: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        names = {name for name, _ in attrs}
        self.dangerous += [n for n in names if n.startswith("on") or n in ("src", "href", "style")]


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    run = begin_run(folder, "one", name="<b>Countdown</b> & co", max_steps=20, beta=0.07, seed=5)
    run.train(20)
    run.end()
    write_evaluation(folder, one=("A", "A", "A", "b"))
    return folder


def test_the_report_holds_every_part(runs_dir: Path) -> None:
    text = make_report(runs_dir, "one")
    for expected in (
        "&lt;b&gt;Countdown&lt;/b&gt; &amp; co", "20 of 20", "Total reward", "Step 20", "Step 1",
        "<h4>Best</h4>", "<h4>Worst</h4>", "hits the target", "def brevity(completions",
        "only logged", "<td>beta</td><td>0.07</td>", "75.0%", "3 turned right", "torch", "Seed",
        "light-dark(", "@media print",
    ):  # fmt: skip
        assert expected in text, expected
    assert text.count("<svg") >= 4


def test_nothing_in_it_runs_or_is_fetched_whatever_was_written(runs_dir: Path) -> None:
    text = make_report(runs_dir, "one")
    reader = Reader()
    reader.feed(text)
    assert not reader.tags & {"script", "iframe", "img", "link", "object", "a"}
    assert reader.dangerous == [] and "http" not in re.sub(r"http-equiv", "", text)
    assert HOSTILE not in text and "onerror=&quot;" in text, "it is shown, as text"
    assert "default-src 'none'" in text


def test_a_finding_stands_in_it_with_its_arithmetic_and_its_proof(tmp_path: Path) -> None:
    run = begin_run(tmp_path, "flat", max_steps=20)
    run.train(1)
    run.end()
    with open_index(tmp_path) as index:
        status = get_run_status(index, tmp_path, "flat")
    with open_run(tmp_path, "flat") as db:
        curves = extend_curves(Curves(), metrics_frame(db))
        shown = list_generations(db, limit=1)[0]
    finding = Finding("x", "error", "A <title>", "Sum", "3 of 4", "Cure", generations=(shown.id,))
    contents = read_contents(tmp_path, status, curves, (finding,), written_on={})
    written = findings_section(contents)
    assert "A &lt;title&gt;" in written and "3 of 4" in written and "Cure" in written
    assert escape_text(shown.completion) in written


def test_a_run_that_has_not_begun_has_no_report(tmp_path: Path) -> None:
    queue_run(tmp_path, "queued")
    with pytest.raises(NotFoundError, match="nothing to report of 'queued' yet"):
        make_report(tmp_path, "queued")
    begun = begin_run(tmp_path, "begun")
    text = make_report(tmp_path, "begun")
    begun.end(None)
    assert "Nothing was measured yet" in text and "It has written nothing yet" in text
