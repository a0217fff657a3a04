"""The supervisor with real processes: whatever is killed, no run is lost and none runs twice."""

import os
import signal
import subprocess

from rft_core.jobs.processes import SUPERVISOR_COMMAND, ensure_supervisor
from rft_core.paths import get_supervisor_log_path
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from tests.runs_folder import SUPERVISOR, WORKER, RunsFolder, await_truth


def test_a_queued_run_is_started_and_finishes(supervised: RunsFolder) -> None:
    supervised.add_run("a", max_steps=3)
    status = supervised.await_state("a", "finished")
    assert (status.step, status.message) == (3, "")


def test_runs_go_one_at_a_time(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.add_run("b", max_steps=2)
    supervised.await_step("a", 3)
    assert supervised.get_status("b").state == "queued"
    supervised.ask("stop", "a")
    supervised.await_state("b", "finished")
    assert supervised.get_status("a").state == "stopped"


def test_a_cancelled_run_never_starts(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.add_run("b", max_steps=2)
    supervised.ask("stop", "b")
    assert supervised.get_status("b").state == "stopped"
    with open_index(supervised.path) as index:
        await_truth(
            lambda: all(c.handled_at for c in list_commands(index, run="b")), "b to be settled"
        )
    assert not (supervised.path / "b" / "worker.log").exists()


def test_a_stopped_run_resumes_where_it_was(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 3)
    supervised.ask("stop", "a")
    stopped = supervised.await_state("a", "stopped")
    supervised.ask("resume", "a")
    supervised.await_step("a", stopped.step + 2)
    assert supervised.count_attempts("a") == 2


def test_a_resume_is_not_lost_on_a_worker_that_has_yet_to_leave(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="lingering")
    supervised.await_step("a", 3)
    supervised.ask("stop", "a")
    stopped = supervised.await_state("a", "stopped")
    assert supervised.find_processes(WORKER)
    supervised.ask("resume", "a")
    supervised.await_step("a", stopped.step + 2)
    assert supervised.count_attempts("a") == 2
    assert len(supervised.find_processes(WORKER)) == 1


def test_a_worker_killed_outright_is_crashed_and_can_be_resumed(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    os.kill(supervised.worker_pid("a"), signal.SIGKILL)
    assert "without a word" in supervised.await_state("a", "crashed").message
    supervised.ask("resume", "a")
    supervised.await_state("a", "running")
    supervised.await_step("a", 2)


def test_a_run_survives_the_death_of_its_supervisor_and_obeys_the_next(
    supervised: RunsFolder,
) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    before = supervised.worker_pid("a")
    supervised.kill_supervisor()
    supervised.await_step("a", supervised.get_status("a").step + 2)
    supervised.start_supervisor()
    assert supervised.worker_pid("a") == before
    supervised.ask("stop", "a")
    supervised.await_state("a", "stopped")
    assert supervised.count_attempts("a") == 1


def test_a_launch_already_answered_by_an_orphan_starts_no_second_worker(
    supervised: RunsFolder,
) -> None:
    """The supervisor died between starting the worker and writing so."""
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    supervised.kill_supervisor()
    with open_index(supervised.path) as index:
        index.execute("UPDATE commands SET handled_at = NULL, worker_pid = NULL")
    supervised.start_supervisor()
    with open_index(supervised.path) as index:
        await_truth(lambda: not list_commands(index, pending_only=True), "the launch settled")
    assert len(supervised.find_processes(WORKER)) == 1
    supervised.ask("stop", "a")
    supervised.await_state("a", "stopped")
    assert supervised.count_attempts("a") == 1


def test_two_supervisors_of_one_folder_are_one(supervised: RunsFolder) -> None:
    ensure_supervisor(supervised.path)
    assert len(supervised.find_processes(SUPERVISOR)) == 1


def test_a_worker_that_gets_on_is_not_killed_until_somebody_asks(folder: RunsFolder) -> None:
    folder.patience = 0.5
    folder.start_supervisor()
    folder.add_run("a", name="deaf")
    folder.await_step("a", 1)
    folder.ask("stop", "a")
    folder.await_state("a", "stopping")
    # Far more steps than can be made within the patience: it is left alone.
    folder.await_step("a", folder.get_status("a").step + 200)
    assert folder.get_status("a").state == "stopping"
    folder.ask("kill", "a")
    assert "Killed on request" in folder.await_state("a", "stopped").message
    await_truth(lambda: not folder.find_processes(WORKER), "the worker's end")
    folder.ask("resume", "a")
    folder.await_state("a", "running")


def test_a_worker_that_is_stuck_after_a_stop_is_killed(folder: RunsFolder) -> None:
    folder.patience = 0.2
    folder.start_supervisor()
    folder.add_run("a", name="stuck")
    folder.await_step("a", 1)
    folder.ask("stop", "a")
    assert "made no progress" in folder.await_state("a", "stopped", "crashed").message
    assert folder.get_status("a").state == "stopped"
    await_truth(lambda: not folder.find_processes(WORKER), "the worker's end")


def test_a_worker_that_dies_before_it_begins_says_why(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="broken")
    message = supervised.await_state("a", "failed").message
    assert message == "The worker ended with code 1 before it began: no such model"


def test_a_dead_worker_is_not_called_crashed_before_the_supervisor_says_why(
    supervised: RunsFolder,
) -> None:
    supervised.add_run("a", name="broken")
    seen = set()

    def has_ended() -> bool:
        status = supervised.get_status("a")
        seen.add(status.state)
        return not status.is_active

    await_truth(has_ended, "the end")
    assert "crashed" not in seen and supervised.get_status("a").state == "failed"


def test_clocks_that_are_set_back_confuse_nobody(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="endless")
    supervised.await_step("a", 2)
    with open_index(supervised.path) as index:  # as if everything so far had been an hour later
        index.execute("UPDATE commands SET created_at = created_at + 3600")
    supervised.ask("stop", "a")
    supervised.await_state("a", "stopped")


def test_a_number_of_runs_that_is_none_is_refused_in_one_line(folder: RunsFolder) -> None:
    environment = {**os.environ, "RFT_MAX_RUNS": "two", "RFT_RUNS_DIR": str(folder.path)}
    ended = subprocess.run(
        SUPERVISOR_COMMAND, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "RFT_MAX_RUNS is 'two'" in ended.stdout and ended.stdout.count("\n") == 1


def test_a_failed_run_gives_its_reason(supervised: RunsFolder) -> None:
    supervised.add_run("a", name="failing")
    assert supervised.await_state("a", "failed").message == "the loss is not finite"


def test_a_supervisor_with_nothing_to_do_leaves(folder: RunsFolder) -> None:
    folder.idle_exit = 0.1
    folder.start_supervisor()
    folder.add_run("a", max_steps=1)
    folder.await_state("a", "finished")
    folder.await_supervisor(alive=False)
    log = get_supervisor_log_path(folder.path).read_text()
    assert "a: started worker" in log and "ended with code 0" in log
