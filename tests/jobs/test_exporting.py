"""An export in the background outlives its asker, is asked for once, and can be cancelled."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rft_core.errors import BadInputError, NotFoundError, WorkerError
from rft_core.jobs.exporting import cancel_export, read_last_words, start_export
from rft_core.jobs.launcher import delete
from rft_core.paths import get_adapter_dir, get_export_path, get_run_dir
from rft_core.store.exports import ExportRecord, ExportRequest, find_exporter, get_export
from rft_core.store.run_writer import RunWriter
from rft_core.store.state.process_identity import ProcessIdentity, is_alive
from tests.export.loopback_hub import OWNER, TOKEN, serve_loopback_hub
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, await_truth, make_tiny_prompts

RUN = "tiny"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def runs_dir(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    runs_dir = tmp_path / "runs"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    add_tiny_run(runs_dir, model, RUN, prompts=make_tiny_prompts(5, 60))
    make_tiny_adapter(model, get_adapter_dir(runs_dir, RUN))
    with closing(RunWriter(runs_dir, RUN)) as writer:
        writer.start_attempt(from_step=0, pid=1)
        writer.end_attempt("finished", "")
    yield runs_dir
    cancel_export(runs_dir, RUN)


def ask(to: Path, **more: object) -> ExportRequest:
    return ExportRequest(RUN, str(to), **more)  # type: ignore[arg-type]


def latest(runs_dir: Path) -> ExportRecord:
    found = get_export(runs_dir, RUN)
    assert found
    return found


def await_end(runs_dir: Path) -> ExportRecord:
    await_truth(lambda: not latest(runs_dir).is_running, "the export to end")
    return latest(runs_dir)


def await_exporter(runs_dir: Path) -> ProcessIdentity:
    """Once it is at work, not only on its way."""
    await_truth(lambda: latest(runs_dir).share > 0, "the export to get on")
    found = find_exporter(runs_dir, RUN)
    assert found
    return found


def test_it_runs_by_itself_and_tells_what_became_of_it(runs_dir: Path, tmp_path: Path) -> None:
    start_export(runs_dir, ask(tmp_path / "out", merged=True))
    assert latest(runs_dir).state == "running"
    record = await_end(runs_dir)
    assert record.state == "finished" and record.share == 1
    assert record.proof["answers_compared"] >= 50
    assert set(record.files) == {path.name for path in (tmp_path / "out").iterdir()}


def test_two_clicks_at_once_are_one_export(runs_dir: Path, tmp_path: Path) -> None:
    request, errors = ask(tmp_path / "out", merged=True), []

    def click() -> None:
        try:
            start_export(runs_dir, request)
        except Exception as error:
            errors.append(error)

    clicks = [threading.Thread(target=click) for _ in range(4)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert errors == []
    exporter = find_exporter(runs_dir, RUN)
    start_export(runs_dir, request)  # and a late one
    assert find_exporter(runs_dir, RUN) in (exporter, None)
    assert await_end(runs_dir).state == "finished"
    start_export(runs_dir, request)  # after its end there is nothing left to do
    assert not latest(runs_dir).is_running and latest(runs_dir).state == "finished"


def test_another_export_meanwhile_is_refused_by_name(runs_dir: Path, tmp_path: Path) -> None:
    start_export(runs_dir, ask(tmp_path / "out", merged=True))
    with pytest.raises(WorkerError, match="is being exported just now") as refused:
        start_export(runs_dir, ask(tmp_path / "else"))
    assert str(tmp_path / "out") in str(refused.value)
    assert await_end(runs_dir).state == "finished"
    start_export(runs_dir, ask(tmp_path / "else"))
    assert await_end(runs_dir).request == ask(tmp_path / "else")


def test_a_cancelled_export_leaves_nothing(runs_dir: Path, tmp_path: Path) -> None:
    start_export(runs_dir, ask(tmp_path / "out", merged=True))
    exporter = await_exporter(runs_dir)
    cancel_export(runs_dir, RUN)
    assert not is_alive(exporter)
    state, left = latest(runs_dir).state, sorted(path.name for path in tmp_path.iterdir())
    # Where it was faster it is whole; on a machine that is busy it may have had to be killed.
    assert left == (["out", "runs"] if state == "finished" else ["runs"])
    assert state in ("stopped", "interrupted", "finished")


def test_one_that_was_killed_says_so_and_can_be_begun_again(runs_dir: Path, tmp_path: Path) -> None:
    start_export(runs_dir, ask(tmp_path / "out", merged=True))
    os.kill(await_exporter(runs_dir).pid, signal.SIGKILL)
    await_truth(lambda: find_exporter(runs_dir, RUN) is None, "its lock to be free")
    assert latest(runs_dir).state in ("interrupted", "finished")
    if latest(runs_dir).state == "interrupted":
        start_export(runs_dir, ask(tmp_path / "out", merged=True))
    assert await_end(runs_dir).state == "finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "runs"]


def test_what_fails_is_told_in_full(runs_dir: Path, tmp_path: Path) -> None:
    folder = get_adapter_dir(runs_dir, RUN)
    (folder / "adapter_model.safetensors").write_bytes(b"broken")
    start_export(runs_dir, ask(tmp_path / "out"))
    record = await_end(runs_dir)
    assert record.state == "failed" and len(record.error) == 3
    assert "cannot be read" in record.error[0] and record.error[2] == "Export another checkpoint"
    assert "cannot be read" in read_last_words(runs_dir, RUN)


def test_what_cannot_begin_is_refused_at_once(
    runs_dir: Path, tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("")
    with pytest.raises(BadInputError, match="is not empty"):
        start_export(runs_dir, ask(tmp_path / "full"))
    with pytest.raises(NotFoundError, match="no run 'none'"):
        start_export(runs_dir, ExportRequest("none", str(tmp_path / "out")))
    with pytest.raises(NotFoundError, match="no adapter of step 9"):
        start_export(runs_dir, ask(tmp_path / "out", step=9))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    with pytest.raises(BadInputError, match="no token"):
        start_export(runs_dir, ask(tmp_path / "out", push="me/tuned"))
    with pytest.raises(BadInputError, match="OWNER/NAME"):
        start_export(runs_dir, ask(tmp_path / "out", push="tuned"))
    assert get_export(runs_dir, RUN) is None


def test_it_is_pushed_from_the_background_and_tried_again_there(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with serve_loopback_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        start_export(runs_dir, ask(tmp_path / "out", push="other/tuned"))
        record = await_end(runs_dir)
        assert record.state == "failed" and "The export itself is in" in record.error[2]
        start_export(runs_dir, ask(tmp_path / "out", push=f"{OWNER}/tuned"))
        record = await_end(runs_dir)
        assert record.state == "finished" and record.pushed_to == f"{hub.url}/{OWNER}/tuned"
        assert set(hub.repositories[f"{OWNER}/tuned"]) == set(record.files)
    for path in runs_dir.rglob("*"):  # nor in its log, nor in what pages read
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_a_deleted_run_ends_its_export_and_keeps_what_was_taken_away(
    runs_dir: Path, tmp_path: Path
) -> None:
    start_export(runs_dir, ask(tmp_path / "first"))
    assert await_end(runs_dir).state == "finished"
    start_export(runs_dir, ask(tmp_path / "out", merged=True))
    exporter = await_exporter(runs_dir)
    delete(runs_dir, RUN)
    assert not is_alive(exporter) and not get_run_dir(runs_dir, RUN).exists()
    assert (tmp_path / "first" / "adapter_model.safetensors").exists()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"request": {"newer": 1}}', "\0"])
def test_a_record_that_cannot_be_read_is_none(runs_dir: Path, content: str) -> None:
    get_export_path(runs_dir, RUN).write_text(content)
    assert get_export(runs_dir, RUN) is None


def test_a_record_reads_back_as_it_was_written(runs_dir: Path, tmp_path: Path) -> None:
    start_export(runs_dir, ask(tmp_path / "out"))
    await_end(runs_dir)
    stored = json.loads(get_export_path(runs_dir, RUN).read_text())
    assert stored["request"]["to"] == str(tmp_path / "out") and "is_running" not in stored
