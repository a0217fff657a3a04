"""Alerts, posted to a server on this machine: once each, of what they should be, and in no way."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil
import pytest

from rft_core.jobs.alerts import Teller
from rft_core.jobs.alerts.events import list_alerts
from rft_core.jobs.alerts.told import Told, list_followed, read_told, write_told
from rft_core.jobs.alerts.webhook import post, read_webhook
from rft_core.paths import get_supervisor_log_path, get_webhook_path
from rft_core.store.index import open_index
from rft_core.store.run_writer import RunWriter
from rft_core.store.state.status import get_run_status
from tests.jobs.test_radar import STEP, WATCHED, noisy, record
from tests.runs_folder import RunsFolder, await_truth
from tests.tiny_run import add_tiny_run


@dataclass
class Listener:
    """What was posted, and what the next posts are answered with (then 200)."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delay: float = 0.0


@pytest.fixture
def listener() -> Iterator[Listener]:
    found = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            time.sleep(found.delay)
            status = found.answers.pop(0) if found.answers else 200
            if status == 200:
                found.heard.append(json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/secret-path"
    yield found
    server.shutdown()
    server.server_close()


def never(seconds: float) -> None:
    """Instead of waiting."""


def look(teller: Teller, *served: str) -> None:
    """Until what it began is over."""
    teller.look(served)
    thread = teller._thread
    if thread is not None:
        thread.join()
    teller._looked_at = float("-inf")


def test_ends_are_told_once_each_and_a_resumed_run_ends_anew(
    folder: RunsFolder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_WEBHOOK_URL", listener.url)
    monkeypatch.setenv("RFT_DASHBOARD_URL", "https://rft.example/")
    folder.start_supervisor()
    folder.add_run("a", max_steps=3)
    await_truth(lambda: len(listener.heard) == 1, "the end of a to be told")
    folder.add_run("b", name="failing")
    folder.await_state("b", "failed")
    await_truth(lambda: len(listener.heard) == 2, "the end of b to be told")
    folder.ask("resume", "b")
    await_truth(lambda: len(listener.heard) == 3, "the second end of b to be told")
    time.sleep(1.5)  # a few more looks
    assert [(h["run"], h["state"]) for h in listener.heard] == [
        ("a", "finished"), ("b", "failed"), ("b", "failed"),
    ]  # fmt: skip
    first = listener.heard[0]
    assert first["link"] == "https://rft.example/monitor?run=a" and first["step"] == 3
    assert "has finished its 3 steps" in first["sentence"] and first["link"] in first["text"]
    assert read_told(folder.path, "a") == Told(frozenset({"finished 1"}))


def test_a_crash_and_a_run_whose_supervisor_died_are_told_by_the_next(
    folder: RunsFolder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_WEBHOOK_URL", listener.url)
    folder.start_supervisor()
    folder.add_run("a", name="endless")
    folder.await_step("a", 2)
    await_truth(lambda: read_told(folder.path, "a").is_followed, "a to be followed")
    folder.kill_supervisor()
    psutil.Process(folder.worker_pid("a")).kill()
    assert not listener.heard
    folder.start_supervisor()
    await_truth(lambda: listener.heard, "the crash to be told")
    assert [(h["run"], h["state"]) for h in listener.heard] == [("a", "crashed")]


def test_a_dead_webhook_fails_no_run_and_its_address_is_printed_nowhere(
    folder: RunsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_WEBHOOK_URL", "http://127.0.0.1:9/secret-path")
    folder.start_supervisor()
    folder.add_run("a", max_steps=3)
    folder.add_run("b", max_steps=3)
    folder.await_state("b", "finished")
    assert folder.await_state("a", "finished").message == ""
    log = get_supervisor_log_path(folder.path)
    await_truth(lambda: log.read_text().count("was not delivered") == 2, "it to be given up")
    assert "secret-path" not in log.read_text()
    files = [path for path in folder.path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"secret-path" in path.read_bytes()]


def test_an_error_finding_is_told_once_while_the_run_goes_on(
    tmp_path: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_WEBHOOK_URL", listener.url)
    add_tiny_run(
        tmp_path, Path("embedded/countdown"), rewards=WATCHED, num_generations=8,
        per_device_train_batch_size=STEP,
    )  # fmt: skip
    record(tmp_path, noisy(0.3, 0.95), noisy(0.3, 0.25, seed=1))
    said: list[str] = []
    teller = Teller(tmp_path, said.append)
    for _ in range(3):
        look(teller, "tiny")
    findings = [heard for heard in listener.heard if heard["finding"]]
    assert [heard["finding"]["kind"] for heard in findings] == ["hacking"] and not said
    assert findings[0]["sentence"].startswith("tiny: The reward rose from")
    look(Teller(tmp_path, said.append), "tiny")  # another supervisor
    assert len([heard for heard in listener.heard if heard["finding"]]) == 1


def test_a_run_that_needs_attention_is_told_with_what_it_said(
    tmp_path: Path, listener: Listener
) -> None:
    add_tiny_run(tmp_path, Path("embedded/countdown"))
    with closing(RunWriter(tmp_path, "tiny")) as writer:
        writer.start_attempt(from_step=0, pid=1)
        writer.end_attempt("needs_attention", "No room")
    with open_index(tmp_path) as index:
        status = get_run_status(index, tmp_path, "tiny")
    [alert] = list_alerts(status, [], attempt=1, dashboard="http://here")
    assert post(listener.url, alert.as_document(), sleep=never) == ""
    [heard] = listener.heard
    assert heard["state"] == "needs_attention" and heard["sentence"].endswith(": No room")


def test_what_may_pass_is_tried_again_and_a_refusal_is_not(listener: Listener) -> None:
    listener.answers = [503, 429]
    assert post(listener.url, {"n": 1}, sleep=never) == ""
    assert listener.heard == [{"n": 1}]
    listener.answers = [500, 500, 500, 200]
    assert "status 500" in post(listener.url, {"n": 2}, sleep=never)
    listener.answers = [404, 200]
    assert "status 404" in post(listener.url, {"n": 3}, sleep=never)
    assert listener.heard == [{"n": 1}]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "no address", "http://", "ftp://h/x"])
def test_what_is_no_address_is_said_and_nothing_is_opened(url: str) -> None:
    assert "is none" in post(url, {}, sleep=never) or "reached" in post(url, {}, sleep=never)


def test_a_slow_webhook_keeps_no_tick_waiting(
    folder: RunsFolder, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RFT_WEBHOOK_URL", listener.url)
    folder.path.mkdir(parents=True)
    folder.add_run("a", max_steps=1)
    write_told(folder.path, "a", Told(is_followed=True))
    listener.delay = 3.0
    teller = Teller(folder.path, print)
    started = time.monotonic()
    teller.look([])
    teller.look([])
    assert time.monotonic() - started < 1.5


def test_the_variable_goes_before_the_file_and_neither_is_no_webhook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RFT_WEBHOOK_URL", raising=False)
    assert read_webhook(tmp_path) == ""
    get_webhook_path(tmp_path).write_text("http://file/hook\n")
    assert read_webhook(tmp_path) == "http://file/hook"
    monkeypatch.setenv("RFT_WEBHOOK_URL", "http://variable/hook")
    assert read_webhook(tmp_path) == "http://variable/hook"


def test_a_damaged_file_of_what_was_told_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "alerts.json").write_text('{"told": 3')
    assert read_told(tmp_path, "a") == Told() and list(list_followed(tmp_path)) == []
    write_told(tmp_path, "gone", Told(frozenset({"x"})))
    assert not (tmp_path / "gone").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
