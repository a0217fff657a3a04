"""A stop that is asked for after an attempt began and before its first step is obeyed."""

import os
import signal
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rft_core.paths import get_run_dir
from rft_core.store.commands import add_command, set_command_handled
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_attempts, open_run
from rft_core.store.run_writer import RunWriter
from rft_core.store.state.status import get_run_status
from rft_core.training.stop import StopRequest
from rft_core.worker import live, read_assignment
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run, expected_counts, live_in_process, read_counts

# What the worker writes before it trains, in order.
MOMENTS = ("start_attempt", "set_progress", "set_sandbox_tier")


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("tiny-model"))


def make_writer(runs_dir: Path, moment: str) -> RunWriter:
    """One under which SIGTERM arrives as soon as it has done what `moment` names."""
    writer = RunWriter(runs_dir, "tiny")
    done = getattr(writer, moment)

    def do_and_be_stopped(*args: Any, **named: Any) -> Any:
        result = done(*args, **named)
        os.kill(os.getpid(), signal.SIGTERM)
        return result

    setattr(writer, moment, do_and_be_stopped)
    return writer


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_stop_before_the_first_step_stops_the_run(
    tiny_model: Path, tmp_path: Path, moment: str
) -> None:
    config = add_tiny_run(tmp_path, tiny_model)
    with open_index(tmp_path) as index:
        for kind in ("launch", "stop"):
            add_command(index, id=kind, kind=kind, run="tiny")
            set_command_handled(index, kind)
    get_run_dir(tmp_path, "tiny").mkdir(exist_ok=True)
    stop = StopRequest()
    with closing(make_writer(tmp_path, moment)) as writer, stop.handle_signals():
        ending = live(read_assignment(tmp_path, "tiny"), writer, stop)
    assert ending.outcome == "stopped"
    with open_run(tmp_path, "tiny") as db:
        assert [attempt.outcome for attempt in list_attempts(db)] == ["stopped"]
    with open_index(tmp_path) as index:
        status = get_run_status(index, tmp_path, "tiny")
        add_command(index, id="resume", kind="resume", run="tiny")
    assert (status.state, status.step, status.is_resumable) == ("stopped", 0, True)
    assert live_in_process(tmp_path).outcome == "finished"
    assert read_counts(tmp_path) == expected_counts(config)
