"""The route that hands out a chart's points, and what a long run's first answer weighs."""

import gc
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.components.charts.chart_feed import ROUTES, ChartFeed
from pages.components.charts.chart_message import Panel, Trace, list_traces
from pages.components.runs.curves import policy_panels, read_curves, reward_panels
from rft_core.config import get_method
from rft_core.paths import get_run_db_path
from tests.pages.components.test_chart_message import ask
from tests.sample_run import begin_run

STEPS = 20_000


def panel(*values: float) -> list[Panel]:
    return [Panel("kl", [Trace("train", {"step": np.arange(len(values))}, np.array(values))])]


@pytest.fixture
def browser() -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


def test_an_edition_is_numbered_by_growth_and_named_anew_where_history_changed() -> None:
    feed = ChartFeed()
    first = feed.publish(panel(1, 2))
    assert feed.publish(panel(1, 2)) is first
    grown = feed.publish(panel(1, 2, 3))
    assert (grown.generation, grown.number) == (first.generation, first.number + 1)
    rewritten = feed.publish(panel(1, 5, 3))
    assert rewritten.generation != grown.generation and rewritten.number == grown.number + 1


def test_the_route_answers_what_is_asked_and_forgets_with_the_session(
    browser: TestClient,
) -> None:
    feed = ChartFeed()
    edition = feed.publish(panel(1, 2, 3))
    whole = browser.get(feed.url)
    added = browser.get(feed.url, params={"generation": edition.generation, "counts": "2"})
    assert len(added.content) < len(whole.content) == int(whole.headers["content-length"])
    assert whole.headers["cache-control"] == "no-store"
    for wrong in ("counts=one", "smoothing=1", "smoothing=nan", "axis=weight"):
        assert browser.get(f"{feed.url}?{wrong}").status_code == 400
    address = feed.url
    del feed
    gc.collect()
    assert browser.get(address).status_code == 404


@pytest.fixture
def long_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """All that Monitor draws, over 20,000 steps, validated at every 50th; a spike now and then."""
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    begin_run(tmp_path, "long", max_steps=STEPS).end()
    policy = [panel.metric for panel in get_method("grpo").policy_panels]
    names = ["reward", "flagged", "rewards/format/mean", "rewards/equation/mean", *policy]
    rng = np.random.default_rng(0)
    rows = []
    for name in dict.fromkeys(names):
        values = rng.normal(size=STEPS)
        values[rng.integers(STEPS, size=2)] = 40, -40
        rows += [(i + 1, "train", name, value) for i, value in enumerate(values.tolist())]
        rows += [(step, "validation", name, 0.5) for step in range(50, STEPS, 50)]
    with closing(sqlite3.connect(get_run_db_path(tmp_path, "long"))) as db, db:
        db.executemany("INSERT INTO metrics (step, split, name, value) VALUES (?, ?, ?, ?)", rows)
    return "long"


def test_the_first_answer_of_a_long_run_is_small_and_keeps_every_extreme(
    long_run: str, browser: TestClient
) -> None:
    curves, _ = read_curves(long_run)
    weights = {"format": 1.0, "equation": 1.0}
    panels = [*reward_panels(curves, weights), *policy_panels(curves, [get_method("grpo")])]
    feed = ChartFeed()
    feed.publish(panels)
    traces = list_traces(panels)
    assert sum(len(trace.y) == STEPS for trace in traces) >= 8
    for axis in ("step", "time", "tokens"):
        answer = browser.get(feed.url, params={"axis": axis, "smoothing": 0.6})
        assert 20_000 < len(answer.content) <= 100_000
    for trace, curve in zip(traces, ask(panels, smoothing=0.6)["curves"], strict=True):
        assert (min(curve["y"]), max(curve["y"])) == (trace.y.min(), trace.y.max())
        assert (curve["x"][0], curve["x"][-1]) == (trace.x["step"][0], trace.x["step"][-1])
        assert curve["y"][-1] == np.float32(trace.y[-1])
