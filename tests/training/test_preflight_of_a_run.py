"""A run's preflight: made once, before step 1, stored, and of no influence on what is trained."""

from pathlib import Path
from typing import Any

import pytest

from rft_core.config import RunConfig
from rft_core.diagnosis.preflight.report import read_preflight
from rft_core.diagnosis.preflight.size import choose_size
from rft_core.store.phase_times import phase_totals
from rft_core.store.preflights import StoredPreflight, get_preflight
from rft_core.store.run_reader import events_frame, get_progress, has_database, open_run
from tests.tiny_run import (
    TINY_REWARDS,
    add_tiny_run,
    await_truth,
    expected_counts,
    kill_workers,
    live_in_process,
    read_counts,
    start_worker,
)


def read_stored(runs_dir: Path, run_id: str = "tiny") -> StoredPreflight | None:
    with open_run(runs_dir, run_id) as db:
        return get_preflight(db)


def read_trained(runs_dir: Path, run_id: str) -> list[tuple[object, ...]]:
    """All that training has left in the store, without its times."""
    with open_run(runs_dir, run_id) as db:
        completions = db.execute(
            "SELECT split, step, completion, reward, advantage FROM generations ORDER BY id"
        ).fetchall()
        losses = db.execute(
            "SELECT step, name, value FROM metrics WHERE name IN ('loss', 'reward', 'grad_norm') "
            "ORDER BY id"
        ).fetchall()
    return [*completions, *losses]


@pytest.mark.parametrize("method", ["grpo", "rloo", "ppo"])
def test_a_run_begins_with_a_preflight_and_its_verdict_is_stored(
    tiny_model: Path, runs_dir: Path, method: str
) -> None:
    config = add_tiny_run(runs_dir, tiny_model, preflight=True, max_steps=2, method=method)
    assert live_in_process(runs_dir).outcome == "finished"
    found = read_stored(runs_dir)
    assert found is not None
    assert (found.prompts, found.num_generations, found.scored) == (2, 4, 8)
    assert found.lowest is not None and found.highest is not None
    assert 0 <= found.lowest <= found.highest <= 1.5
    verdict = read_preflight(found.report)
    assert verdict is not None
    assert [function.name for function in verdict.functions] == list(TINY_REWARDS.names)
    assert verdict.forecast is not None and verdict.forecast.time.sampling
    best, worst = verdict.examples.best, verdict.examples.worst
    assert len(best) == len(worst) == 3
    assert best[0].reward == found.highest and worst[-1].reward == found.lowest
    assert all(list(example.scores) == list(TINY_REWARDS.names) for example in best + worst)
    with open_run(runs_dir, "tiny") as db:
        events = events_frame(db)
        assert phase_totals(db)["preflight"] > 0
    [said] = events[events["kind"] == "preflight"]["message"]
    assert said == verdict.verdict
    assert read_counts(runs_dir).items() <= expected_counts(config).items()  # none of it is a step


def test_a_run_trains_to_the_bit_as_without_a_preflight(tiny_model: Path, runs_dir: Path) -> None:
    for run_id, preflight in (("with", True), ("without", False)):
        add_tiny_run(runs_dir, tiny_model, run_id, preflight=preflight)
        assert live_in_process(runs_dir, run_id).outcome == "finished"
    assert read_stored(runs_dir, "without") is None
    assert read_trained(runs_dir, "with") == read_trained(runs_dir, "without")


def test_a_resume_makes_no_second_preflight_and_goes_on_exactly(
    tiny_model: Path, runs_dir: Path
) -> None:
    for run_id in ("whole", "stopped"):
        add_tiny_run(runs_dir, tiny_model, run_id, preflight=True)
    assert live_in_process(runs_dir, "whole").outcome == "finished"
    assert live_in_process(runs_dir, "stopped", stop_during=3).outcome == "stopped"
    first = read_stored(runs_dir, "stopped")
    assert live_in_process(runs_dir, "stopped").outcome == "finished"
    assert first is not None and read_stored(runs_dir, "stopped") == first
    assert read_trained(runs_dir, "stopped") == read_trained(runs_dir, "whole")


def test_a_run_that_begins_anew_keeps_the_preflight_of_its_first_life(
    tiny_model: Path, runs_dir: Path
) -> None:
    """Killed before a checkpoint, it starts from step 0; its first policy is still the same."""
    add_tiny_run(runs_dir, tiny_model, preflight=True, save_steps=0, max_steps=500, eval_steps=0)
    worker = start_worker(runs_dir)
    try:
        await_truth(
            lambda: has_database(runs_dir, "tiny") and read_counts(runs_dir), "a first step"
        )
    finally:
        kill_workers()
        worker.wait()
    first = read_stored(runs_dir)
    assert live_in_process(runs_dir, stop_during=2).outcome == "stopped"
    with open_run(runs_dir, "tiny") as db:
        events = events_frame(db)
    assert first is not None and read_stored(runs_dir) == first
    assert list(events["kind"]).count("preflight") == 1


def test_a_stop_interrupts_the_preflight(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(
        runs_dir, tiny_model, preflight=True, max_completion_length=200, num_generations=16,
        per_device_train_batch_size=2048, max_steps=2,
    )  # fmt: skip
    worker = start_worker(runs_dir)
    try:
        await_truth(lambda: read_phase(runs_dir) == "preflight", "the preflight to begin")
        worker.terminate()
        assert worker.wait(60) == 0
    finally:
        kill_workers()
    assert not read_counts(runs_dir)  # and no step was made


def read_phase(runs_dir: Path) -> str:
    if not has_database(runs_dir, "tiny"):
        return ""
    with open_run(runs_dir, "tiny") as db:
        progress = get_progress(db)
    return progress.phase if progress else ""


@pytest.mark.parametrize(
    "settings",
    [{"method": "sft", "max_steps": 2}, {"stages": "sft 2; grpo 2"}],
    ids=["sft", "sft-then-grpo"],
)
def test_a_run_that_does_not_begin_with_its_rewards_has_none(
    tiny_model: Path, runs_dir: Path, settings: dict[str, Any]
) -> None:
    add_tiny_run(runs_dir, tiny_model, gold_column="question", preflight=True, **settings)
    assert live_in_process(runs_dir).outcome == "finished"
    assert read_stored(runs_dir) is None


def test_a_preflight_is_never_larger_than_a_step_and_tries_several_prompts() -> None:
    usual = RunConfig()
    assert choose_size(usual, 4000) == (4, 8)
    small = RunConfig(per_device_train_batch_size=16)
    assert choose_size(small, 4000) == (2, 8)
    large = RunConfig(num_generations=64, per_device_train_batch_size=512)
    assert choose_size(large, 4000) == (2, 16)
    assert choose_size(usual, 1) == (1, 8)
