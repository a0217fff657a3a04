"""Real trainings of a tiny model whose sandbox fails, or cannot lock code in at all."""

import contextlib
import threading
import time
from pathlib import Path

import psutil
import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sandbox import servers, tiers
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from tests.tiny_run import add_tiny_run, live_in_process

pytestmark = pytest.mark.usefixtures("fresh_servers")


def test_a_sandbox_that_dies_under_a_step_pauses_the_run_and_names_the_samples(
    tiny_model: Path, runs_dir: Path
) -> None:
    source = (
        "import time\n"
        "def slow(completions, **kwargs):\n"
        "    time.sleep(30)\n"
        "    return [1.0 for _ in completions]\n"
    )
    rewards = RewardSet((RewardEntry("slow", "python", source=source),), "slow")
    add_tiny_run(runs_dir, tiny_model, rewards=rewards)
    ended = threading.Event()
    killer = threading.Thread(target=kill_every_fork_server, args=(ended,))
    killer.start()
    try:
        ending = live_in_process(runs_dir)
    finally:
        ended.set()
        killer.join()
    assert ending.outcome == "needs_attention"
    assert "The sandbox failed on" in ending.message and "samples 0" in ending.message
    with open_run(runs_dir, "tiny") as db:
        stored = [g for g in iterate_generations(db) if g.split == "train"]
    assert stored
    assert all(generation.scores["slow"] is None for generation in stored)


def test_a_run_pauses_where_no_server_starts_and_keeps_what_other_rewards_say(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_server(kind: object) -> None:
        raise InfrastructureError("no more processes")

    monkeypatch.setattr(servers, "start_server", start_server)
    source = "def mine(completions, **columns):\n    return [1.0 for _ in completions]\n"
    entries = (
        RewardEntry("mine", "python", source=source),
        RewardEntry("short", "length", options={"target": 4}),
    )
    add_tiny_run(runs_dir, tiny_model, rewards=RewardSet(entries, "mine"))
    ending = live_in_process(runs_dir)
    assert ending.outcome == "needs_attention"
    assert "no more processes" in ending.message
    with open_run(runs_dir, "tiny") as db:
        stored = [g for g in iterate_generations(db) if g.split == "train"]
    assert {generation.scores["mine"] for generation in stored} == {None}
    assert all(generation.scores["short"] is not None for generation in stored)


def test_below_the_last_tier_only_runs_without_code_train(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiers, "get_tier", lambda held: None)
    add_tiny_run(runs_dir, tiny_model, "without", max_steps=1)  # a regular expression among them
    assert live_in_process(runs_dir, "without").outcome == "finished"
    coded = RewardSet((RewardEntry("mine", "python", source="def mine(): pass"),), "code")
    add_tiny_run(runs_dir, tiny_model, "with", rewards=coded, max_steps=1)
    ending = live_in_process(runs_dir, "with")
    assert ending.outcome == "failed" and "locked in on this machine: 'mine'" in ending.message


def kill_every_fork_server(ended: threading.Event) -> None:
    """Once they have been probed, so that the run can begin."""
    while not ended.wait(0.05):
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.NoSuchProcess):
                age = time.time() - child.create_time()
                if age > 1 and "server_process" in " ".join(child.cmdline()):
                    child.kill()
