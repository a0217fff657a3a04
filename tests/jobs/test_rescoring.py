"""Scoring again in the background outlives its asker, can be cancelled, and goes with its run."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.errors import NotFoundError, WorkerError
from rft_core.jobs.launcher import delete
from rft_core.jobs.rescoring import cancel_rescore, start_rescore
from rft_core.paths import get_rescores_path, get_run_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.store.index import open_index
from rft_core.store.rescores import Rescore, get_rescore, list_rescores
from rft_core.store.sets import ensure_set
from rft_core.store.state.process_identity import is_alive
from tests.runs_folder import await_truth
from tests.sample_run import write_finished_run

RUN = "countdown-1"
FORMAT = RewardSet((RewardEntry("format", "format"),), "format")
SLOW = reward_set_from_source(
    "import time\n\n"
    "def slow(completions):\n    time.sleep(0.3)\n    return [1.0] * len(completions)\n"
)
BROKEN = reward_set_from_source("def broken(completions):\n    return [1 / 0]\n")


@pytest.fixture
def runs_dir(tmp_path: Path) -> Iterator[Path]:
    write_finished_run(tmp_path, RUN, steps=10)
    with open_index(tmp_path) as index:
        for rewards in (FORMAT, SLOW, BROKEN):
            ensure_set(index, "rewards", id=rewards.id, name="mine", content=rewards.to_json())
    yield tmp_path
    for rescore in list_rescores(tmp_path, RUN):
        cancel_rescore(tmp_path, RUN, rescore.reward_set)


def rescore_of(runs_dir: Path, rewards: RewardSet) -> Rescore:
    found = get_rescore(runs_dir, RUN, rewards.id)
    assert found
    return found


def await_state(runs_dir: Path, rewards: RewardSet, state: str) -> Rescore:
    await_truth(lambda: rescore_of(runs_dir, rewards).state == state, f"to be {state}")
    return rescore_of(runs_dir, rewards)


def test_it_runs_by_itself_and_again_for_what_is_new(runs_dir: Path) -> None:
    start_rescore(runs_dir, RUN, FORMAT.id)
    first = await_state(runs_dir, FORMAT, "finished")
    assert first.done == first.total > 0
    start_rescore(runs_dir, RUN, FORMAT.id)
    assert await_state(runs_dir, FORMAT, "finished").attempt == 2


def test_asking_twice_is_asking_once(runs_dir: Path) -> None:
    asked = [
        threading.Thread(target=start_rescore, args=(runs_dir, RUN, SLOW.id)) for _ in range(2)
    ]
    for thread in asked:
        thread.start()
    for thread in asked:
        thread.join()
    running = rescore_of(runs_dir, SLOW)
    assert (running.state, running.attempt) == ("running", 1)
    start_rescore(runs_dir, RUN, SLOW.id)
    assert rescore_of(runs_dir, SLOW).process == running.process


def test_cancelled_it_keeps_what_is_scored_and_leaves_no_process(runs_dir: Path) -> None:
    start_rescore(runs_dir, RUN, SLOW.id)
    await_truth(lambda: rescore_of(runs_dir, SLOW).done > 0, "the first steps")
    cancel_rescore(runs_dir, RUN, SLOW.id)
    stopped = rescore_of(runs_dir, SLOW)
    assert stopped.state == "stopped" and 0 < stopped.done < stopped.total
    await_truth(lambda: not is_alive(stopped.process), "its process to be gone")


def test_a_killed_one_is_interrupted_and_goes_on(runs_dir: Path) -> None:

    start_rescore(runs_dir, RUN, SLOW.id)
    os.kill(rescore_of(runs_dir, SLOW).pid, signal.SIGKILL)
    await_state(runs_dir, SLOW, "interrupted")
    start_rescore(runs_dir, RUN, SLOW.id)
    assert rescore_of(runs_dir, SLOW).state == "running"


def test_rewards_that_fail_say_why(runs_dir: Path) -> None:
    start_rescore(runs_dir, RUN, BROKEN.id)
    assert "ZeroDivisionError" in await_state(runs_dir, BROKEN, "failed").message


def test_what_is_unknown_starts_nothing(runs_dir: Path) -> None:
    for run, rewards in (("nope", FORMAT.id), (RUN, "rw-nope")):
        with pytest.raises(NotFoundError):
            start_rescore(runs_dir, run, rewards)
    assert not get_rescores_path(runs_dir, RUN).exists()


def test_what_ends_before_it_begins_leaves_its_last_words(runs_dir: Path) -> None:
    (get_run_dir(runs_dir, RUN) / "run.db").unlink()
    with pytest.raises(WorkerError, match="sampled nothing yet"):
        start_rescore(runs_dir, RUN, FORMAT.id)


def test_deleting_the_run_ends_it(runs_dir: Path) -> None:
    start_rescore(runs_dir, RUN, SLOW.id)
    process = rescore_of(runs_dir, SLOW).process
    delete(runs_dir, RUN)
    assert not get_run_dir(runs_dir, RUN).exists()
    await_truth(lambda: not is_alive(process), "its process to be gone")
    assert not get_run_dir(runs_dir, RUN).exists()
