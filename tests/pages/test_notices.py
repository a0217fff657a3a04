"""Notices: a toast for each new end and each new error, once for a browser session."""

from contextlib import closing
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.notices import Known, RunNews, list_notices
from rft_core.paths import PROJECT_ROOT, get_run_dir, get_worker_lock_path
from rft_core.store.commands import add_command, set_command_handled
from rft_core.store.index import open_index
from rft_core.store.run_writer import RunWriter
from rft_core.store.state.run_lock import FileLock
from tests.jobs.test_radar import STEP, WATCHED, noisy, record
from tests.tiny_run import add_tiny_run


def running(*errors: str) -> RunNews:
    return RunNews("a", "My run", "running", True, "", tuple((e, f"{e} is wrong") for e in errors))


ENDED = RunNews("a", "My run", "failed", False, "No memory")


def test_an_end_is_news_once_and_only_of_a_run_that_was_seen_to_be_active() -> None:
    found, known = list_notices(None, [running()])
    assert found == [] and known == Known(frozenset({"a"}), frozenset())
    found, known = list_notices(known, [ENDED])
    assert [notice.text for notice in found] == ["My run has failed: No memory"]
    assert list_notices(known, [ENDED])[0] == []
    assert list_notices(None, [ENDED])[0] == []


def test_a_resumed_run_ends_anew() -> None:
    _, known = list_notices(None, [ENDED])
    _, known = list_notices(known, [running()])
    assert len(list_notices(known, [ENDED])[0]) == 1


def test_an_error_is_news_once_and_not_where_it_was_there_before() -> None:
    _, known = list_notices(None, [running("flat")])
    found, known = list_notices(known, [running("flat", "hacking")])
    assert [notice.text for notice in found] == ["My run: hacking is wrong"]
    assert list_notices(known, [running("flat", "hacking")])[0] == []
    _, known = list_notices(known, [running()])  # it passed
    assert list_notices(known, [running("hacking")])[0] == []


@pytest.mark.parametrize("page", ["overview", "prompts"])
def test_whichever_page_is_open_tells_of_an_error_and_of_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    add_tiny_run(
        tmp_path, Path("embedded/countdown"), rewards=WATCHED, num_generations=8,
        per_device_train_batch_size=STEP,
    )  # fmt: skip
    get_run_dir(tmp_path, "tiny").mkdir(parents=True, exist_ok=True)
    with open_index(tmp_path) as index:
        add_command(index, id="begin", kind="resume", run="tiny")
        set_command_handled(index, "begin")
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60)
    if page != "overview":
        app.switch_page(f"{page}.py")
    lock = FileLock(get_worker_lock_path(tmp_path, "tiny"))
    lock.acquire()
    with closing(RunWriter(tmp_path, "tiny")) as writer:
        writer.start_attempt(from_step=0, pid=1, command="begin")
    app.run()
    assert not app.exception and not app.toast
    record(tmp_path, noisy(0.3, 0.95), noisy(0.3, 0.25, seed=1))
    app.run()
    assert ["The reward rose from" in toast.value for toast in app.toast] == [True]
    app.run()
    assert not app.toast
    with closing(RunWriter(tmp_path, "tiny")) as writer:
        writer._attempt = 1
        writer.end_attempt("finished")
    lock.release()
    app.run()
    assert ["tiny has finished" in toast.value for toast in app.toast] == [True]
    app.run()
    assert not app.toast
