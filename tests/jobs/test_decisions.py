"""What the supervisor decides, without any process."""

from rft_core.jobs.decisions import AskToStop, KillWorker, Settle, StartWorker, decide
from rft_core.store.commands import Command


def asked(id: str, kind: str, run: str, handled_at: float | None = None) -> Command:
    return Command(int(id), id, kind, run, 0.0, handled_at, None, None, None, None)


def decisions(
    commands: list[Command], alive: set[str], max_runs: int = 1, stuck: set[str] | None = None
) -> list[object]:
    return list(decide(commands, alive, max_runs=max_runs, stuck=stuck or set()))


def test_a_launch_starts_a_worker() -> None:
    launch = asked("1", "launch", "a")
    assert decisions([launch], set()) == [StartWorker(launch)]


def test_runs_queue_in_the_order_in_which_they_were_asked_for() -> None:
    first, second = asked("1", "launch", "a"), asked("2", "launch", "b")
    assert decisions([first, second], set()) == [StartWorker(first)]
    assert decisions([first, second], set(), max_runs=2) == [
        StartWorker(first),
        StartWorker(second),
    ]


def test_a_run_waits_while_another_lives() -> None:
    assert decisions([asked("1", "launch", "a", 1.0), asked("2", "launch", "b")], {"a"}) == []


def test_a_run_whose_worker_already_lives_gets_no_second_one() -> None:
    launch = asked("1", "launch", "a")
    assert decisions([launch], {"a"}) == [Settle(launch)]


def test_a_second_resume_is_settled_with_the_first() -> None:
    commands = [
        asked("1", "launch", "a", 1.0),
        asked("2", "resume", "a"),
        asked("3", "resume", "a"),
    ]
    assert decisions(commands, set()) == [StartWorker(commands[1]), Settle(commands[2])]


def test_stop_asks_a_living_worker() -> None:
    commands = [asked("1", "launch", "a", 1.0), asked("2", "stop", "a")]
    assert decisions(commands, {"a"}) == [AskToStop(commands[1])]


def test_stop_cancels_a_waiting_run_and_the_next_one_moves_up() -> None:
    commands = [asked("1", "launch", "a"), asked("2", "launch", "b"), asked("3", "stop", "a")]
    assert decisions(commands, set()) == [
        Settle(commands[0]),
        StartWorker(commands[1]),
        Settle(commands[2]),
    ]


def test_a_run_that_was_cancelled_can_be_resumed_at_once() -> None:
    commands = [asked("1", "launch", "a"), asked("2", "stop", "a"), asked("3", "resume", "a")]
    assert decisions(commands, set())[-1] == StartWorker(commands[2])


def test_stopping_what_has_ended_is_harmless() -> None:
    commands = [
        asked("1", "launch", "a", 1.0),
        asked("2", "stop", "a", 2.0),
        asked("3", "stop", "a"),
    ]
    assert decisions(commands, set()) == [Settle(commands[2])]


def test_only_a_worker_that_is_stuck_after_a_stop_is_killed() -> None:
    commands = [asked("1", "launch", "a", 1.0), asked("2", "stop", "a", 2.0)]
    assert decisions(commands, {"a"}) == []
    assert decisions(commands, {"a"}, stuck={"a"}) == [KillWorker(commands[1])]
    assert decisions(commands[:1], {"a"}, stuck={"a"}) == []


def test_a_kill_is_done_at_once_and_is_harmless_after_the_end() -> None:
    commands = [
        asked("1", "launch", "a", 1.0),
        asked("2", "stop", "a", 2.0),
        asked("3", "kill", "a"),
    ]
    assert decisions(commands, {"a"}) == [KillWorker(commands[2])]
    assert decisions(commands, set()) == [Settle(commands[2])]


def test_a_kill_cancels_a_waiting_run() -> None:
    commands = [asked("1", "launch", "a"), asked("2", "kill", "a")]
    assert decisions(commands, set()) == [Settle(commands[0]), Settle(commands[1])]


def test_an_old_stop_does_not_kill_a_resumed_worker() -> None:
    commands = [
        asked("1", "launch", "a", 1.0),
        asked("2", "stop", "a", 2.0),
        asked("3", "resume", "a", 3.0),
    ]
    assert decisions(commands, {"a"}, stuck={"a"}) == []


def test_a_worker_that_is_about_to_end_answers_no_start_and_the_next_waits_for_its_end() -> None:
    commands = [asked("1", "launch", "a", 1.0), asked("2", "resume", "a")]
    assert list(decide(commands, {"a"}, max_runs=2, closing={"a"})) == []
    assert list(decide(commands, set(), max_runs=2)) == [StartWorker(commands[1])]
    cancelled = [*commands, asked("3", "stop", "a")]
    assert Settle(commands[1]) in decide(cancelled, {"a"}, max_runs=2, closing={"a"})
