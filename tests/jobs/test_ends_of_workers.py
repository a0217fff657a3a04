"""However a worker ends or falls silent, its run says so."""

import os
import signal

import psutil
import pytest

from rft_core.jobs.backends import WorkerEnd
from rft_core.jobs.workers import explain_end
from rft_core.paths import (
    get_heartbeat_path,
    get_run_dir,
    get_worker_lock_path,
    get_worker_log_path,
)
from rft_core.store.commands import Command
from tests.runs_folder import WORKER, RunsFolder, await_truth


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGSEGV, signal.SIGKILL])
def test_a_worker_that_a_signal_ended_is_crashed_and_names_it(
    supervised: RunsFolder, number: signal.Signals
) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    os.kill(supervised.worker_pid("a"), number)
    supervised.await_state("a", "crashed")
    await_truth(lambda: number.name in supervised.get_status("a").message, "the signal's name")
    assert supervised.get_status("a").is_resumable
    assert not supervised.find_processes(WORKER)


def test_a_worker_that_is_suspended_runs_with_a_word(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    assert supervised.get_status("a").not_responding == ""
    pid = supervised.worker_pid("a")
    os.kill(pid, signal.SIGSTOP)
    await_truth(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "its suspension")
    for path in (get_worker_lock_path, get_heartbeat_path):
        os.utime(path(supervised.path, "a"), (0, 0))  # as after a long while
    status = supervised.get_status("a")
    assert status.state == "running"
    assert "has not responded" in status.not_responding
    assert f"kill -CONT {pid}" in status.not_responding
    os.kill(pid, signal.SIGCONT)
    await_truth(lambda: not supervised.get_status("a").not_responding, "its heartbeat")


def test_no_worker_stays_after_any_end(supervised: RunsFolder) -> None:
    for name in ("", "failing", "broken"):
        run = name or "whole"
        supervised.add_run(run, name=name, max_steps=1)
        supervised.await_state(run, "finished", "failed")
    await_truth(lambda: not supervised.find_processes(WORKER), "the workers' end")


def test_a_worker_that_had_no_memory_to_begin_says_so(folder: RunsFolder) -> None:
    """NumPy guesses at something else on the last line."""
    words = "ImportError: lib.so: failed to map segment from shared object", "", "Ask NumPy."
    get_run_dir(folder.path, "a").mkdir(parents=True)
    get_worker_log_path(folder.path, "a").write_text("\n".join(words))
    command = Command(1, "1", "launch", "a", 0.0, 1.0, None, None, None, None, handle="x")
    told = explain_end(folder.path, command, WorkerEnd(1), stopped=False)
    assert told == f"The worker ended with code 1 before it began: out of memory ({words[0]})"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["terminate called", "  what():  std::bad_alloc"],
            ": out of memory (what():  std::bad_alloc)",
        ),
        (["std::bad_alloc", *["step 1"] * 9], "."),  # of an earlier attempt
    ],
)
def test_a_library_that_ends_the_worker_for_want_of_memory_is_quoted(
    folder: RunsFolder, words: list[str], told: str
) -> None:
    get_run_dir(folder.path, "a").mkdir(parents=True)
    get_worker_log_path(folder.path, "a").write_text("\n".join(words))
    command = Command(1, "1", "launch", "a", 0.0, 1.0, None, None, None, None, handle="x")
    reason = explain_end(folder.path, command, WorkerEnd(-signal.SIGABRT), stopped=False)
    assert reason == f"The worker was ended without a word by SIGABRT (a library gave up){told}"
