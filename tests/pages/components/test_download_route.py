"""Generations are taken away a portion at a time, and only by who was offered them."""

import csv
import gc
import io
import json
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.components.completions import download_route
from pages.components.completions.download_route import ROUTES, Offer
from rft_core.paths import get_run_db_path
from rft_core.store.generations import count_generations, iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter
from tests.sample_run import write_finished_run

RUN = "countdown-1"
FUNCTIONS = ("format", "equation")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs_dir = tmp_path_factory.mktemp("runs")
    write_finished_run(runs_dir, RUN, steps=6)
    return runs_dir


@pytest.fixture
def browser() -> TestClient:
    return TestClient(Starlette(routes=ROUTES))


@pytest.mark.parametrize("portion", [7, 2_000])
def test_a_file_holds_all_that_match(
    finished: Path, browser: TestClient, monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr(download_route, "PORTION", portion)
    where = GenerationFilter(split="train")
    offer = Offer(finished, RUN, where, FUNCTIONS)
    with open_run(finished, RUN) as db:
        expected = [g.id for g in iterate_generations(db, where)]
    lines = browser.get(offer.get_url("jsonl"))
    assert [json.loads(line)["id"] for line in lines.text.splitlines()] == expected
    assert lines.headers["content-disposition"].endswith(f"''{RUN}.jsonl")
    assert "content-length" not in lines.headers  # nobody knew how long it would be
    table = list(csv.DictReader(io.StringIO(browser.get(offer.get_url("csv")).text)))
    assert [int(row["id"]) for row in table] == expected and len(expected) > 20
    assert "score/format" in table[0]


def test_an_offer_ends_with_its_session(finished: Path, browser: TestClient) -> None:
    offer = Offer(finished, RUN, GenerationFilter(), FUNCTIONS)
    address = offer.get_url("csv")
    assert browser.get(address).status_code == 200
    assert browser.get(offer.get_url("exe")).status_code == 404
    del offer
    gc.collect()
    assert browser.get(address).status_code == 404


def test_what_is_wrong_is_said_before_a_file_has_begun(tmp_path: Path, browser: TestClient) -> None:
    write_finished_run(tmp_path, RUN, steps=1)
    offer = Offer(tmp_path, RUN, GenerationFilter(), FUNCTIONS)
    get_run_db_path(tmp_path, RUN).write_bytes(b"damaged, and not a database" * 99)
    answer = browser.get(offer.get_url("csv"))
    assert answer.status_code == 409 and "cannot be read" in answer.text


def test_nothing_that_matches_is_an_empty_file(finished: Path, browser: TestClient) -> None:
    offer = Offer(finished, RUN, GenerationFilter(step=999), FUNCTIONS)
    with open_run(finished, RUN) as db:
        assert count_generations(db, GenerationFilter(step=999)) == 0
    assert browser.get(offer.get_url("jsonl")).text == ""
    assert len(browser.get(offer.get_url("csv")).text.splitlines()) == 1
