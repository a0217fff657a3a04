"""Validation during training: a bounded draw, how far it is, and stopped within a batch."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.run_reader import get_progress, list_attempts, open_run
from rft_core.store.run_writer import PartsDone, RunWriter
from rft_core.training.stop import StopRequest
from rft_core.worker import live, read_assignment
from tests.tiny_run import (
    TINY_REWARDS,
    add_tiny_run,
    expected_counts,
    live_in_process,
    make_tiny_pairs,
    make_tiny_prompts,
    read_counts,
)

SILENT = "def silent(completions, **columns):\n    raise KeyError('gold')\n"


class Listener(RunWriter):
    """Notes what is told of validations; asks for a stop at the first sign of batch `stop_at`."""

    def __init__(self, runs_dir: Path, run_id: str, stop: StopRequest, stop_at: str = "") -> None:
        super().__init__(runs_dir, run_id)
        self._stop, self._stop_at = stop, stop_at
        self.told: list[tuple[int, str, PartsDone | None]] = []

    def set_progress(self, phase: str, detail: str = "", **more: Any) -> None:
        super().set_progress(phase, detail, **more)
        if phase != "validating":
            return
        self.told.append((more["step"], detail, more.get("parts")))
        if self._stop_at and f"step {more['step']}: {detail}".startswith(self._stop_at):
            self._stop_at = ""
            self._stop.set()


def train(runs_dir: Path, run_id: str = "tiny", *, stop_at: str = "") -> tuple[str, Listener]:
    stop = StopRequest()
    with closing(Listener(runs_dir, run_id, stop, stop_at)) as writer:
        return live(read_assignment(runs_dir, run_id), writer, stop).outcome, writer


def read_validated(runs_dir: Path, run_id: str) -> dict[int, list[str]]:
    """After which step which prompts were asked."""
    sql = (
        "SELECT step, prompts.row FROM generations JOIN prompts ON prompts.id = prompt_id "
        "WHERE generations.split = 'validation' ORDER BY generations.id"
    )
    found: dict[int, list[str]] = {}
    with open_run(runs_dir, run_id) as db:
        for step, row in db.execute(sql):
            found.setdefault(step, []).append(row)
    return found


def read_metrics(runs_dir: Path, run_id: str) -> list[tuple[Any, ...]]:
    sql = (
        "SELECT split, step, name, value FROM metrics WHERE name NOT LIKE '%time%' "
        "ORDER BY split, step, name"
    )
    with open_run(runs_dir, run_id) as db:
        return list(db.execute(sql))


def test_as_many_prompts_as_wanted_are_drawn_once_by_the_seed(
    tiny_model: Path, runs_dir: Path
) -> None:
    prompts = make_tiny_prompts(5, 40)
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        add_tiny_run(
            runs_dir, tiny_model, name, prompts=prompts, num_validation_prompts=6, seed=seed
        )
        assert live_in_process(runs_dir, name).outcome == "finished"
    one, again, other = (read_validated(runs_dir, name) for name in ("one", "again", "other"))
    assert list(one) == [0, 2, 4] and len(set(one[0])) == 6
    assert one[0] == one[2] == one[4] == again[0]
    assert set(other[0]) != set(one[0])
    held_out = {f'{{"question": "q{index}"}}' for index in range(5, 45)}
    assert set(one[0]) | set(other[0]) <= held_out


@pytest.mark.parametrize(("wanted", "asked"), [(0, 0), (3, 3), (64, 3)])
def test_no_more_are_asked_than_there_are_and_none_where_none_is_wanted(
    tiny_model: Path, runs_dir: Path, wanted: int, asked: int
) -> None:
    config = add_tiny_run(runs_dir, tiny_model, num_validation_prompts=wanted)
    assert live_in_process(runs_dir).outcome == "finished"
    counts = {key: count for key, count in expected_counts(config, asked).items() if count}
    assert read_counts(runs_dir) == counts


def test_it_says_how_many_prompts_and_batches_and_how_far_it_is(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rft_core.training.recorder.PULSE_SECONDS", 0)  # every token is shown
    prompts = make_tiny_prompts(5, 40)
    add_tiny_run(
        runs_dir, tiny_model, prompts=prompts, num_validation_prompts=6, max_steps=1, eval_steps=1
    )
    outcome, writer = train(runs_dir)
    assert outcome == "finished"
    first = [(detail, parts) for step, detail, parts in writer.told if step == 0]
    assert first[0][0] == "6 of 40 prompts, batch 1 of 2"
    assert any(detail.startswith("6 of 40 prompts, batch 2 of 2, token") for detail, _ in first)
    told = [parts for _, parts in first if parts]
    shares = [parts.done / parts.total for parts in told]
    assert shares[0] == 0 and shares == sorted(shares) and 0.5 < shares[-1] <= 1
    assert len({parts.began_at for parts in told}) == 1
    with open_run(runs_dir, "tiny") as db:
        progress = get_progress(db)
        assert progress is not None and progress.share is None  # of what it does now


@pytest.mark.parametrize("moment", ["6 of 40 prompts, batch 2 of 2", "scoring completions 1 to 4"])
def test_a_stop_ends_a_validation_at_once_and_a_resume_makes_it_whole(
    tiny_model: Path, runs_dir: Path, moment: str
) -> None:
    prompts = make_tiny_prompts(5, 40)
    settings: dict[str, Any] = {
        "prompts": prompts, "num_validation_prompts": 6, "per_device_train_batch_size": 4,
    }  # fmt: skip
    config = add_tiny_run(runs_dir, tiny_model, "whole", **settings)
    assert live_in_process(runs_dir, "whole").outcome == "finished"

    add_tiny_run(runs_dir, tiny_model, "stopped", **settings, save_steps=0)
    outcome, writer = train(runs_dir, "stopped", stop_at=f"step 2: {moment}")
    assert outcome == "stopped"
    after = [detail for step, detail, _ in writer.told if step == 2]
    assert after[-1].startswith(moment) or "scoring" not in after[-1]
    assert list(read_validated(runs_dir, "stopped")) == [0]
    with open_run(runs_dir, "stopped") as db:
        assert list_attempts(db)[-1].message == "Stopped after step 2"

    assert live_in_process(runs_dir, "stopped").outcome == "finished"
    assert read_counts(runs_dir, "stopped") == expected_counts(config, num_validation=6)
    assert read_metrics(runs_dir, "stopped") == read_metrics(runs_dir, "whole")


def test_a_validation_that_was_whole_is_not_made_again(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model)
    assert live_in_process(runs_dir, stop_during=3).outcome == "stopped"
    outcome, writer = train(runs_dir)
    assert outcome == "finished"
    assert {step for step, _, _ in writer.told} == {4}


def test_held_out_pairs_are_left_at_once_too(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(
        runs_dir, tiny_model, method="dpo", pairs=make_tiny_pairs(24), save_steps=0,
        per_device_train_batch_size=2,
    )  # fmt: skip
    outcome, _ = train(runs_dir, stop_at="step 2: ")
    assert outcome == "stopped" and list(read_validated(runs_dir, "tiny")) == [0]
    assert live_in_process(runs_dir).outcome == "finished"
    assert list(read_validated(runs_dir, "tiny")) == [0, 2, 4]


def test_a_finished_run_says_which_function_could_score_nothing(
    tiny_model: Path, runs_dir: Path
) -> None:
    mute = RewardEntry("silent", "python", source=SILENT)
    rewards = RewardSet((*TINY_REWARDS.entries, mute))
    add_tiny_run(runs_dir, tiny_model, "mute", rewards=rewards, max_steps=2)
    ending = live_in_process(runs_dir, "mute")
    assert ending.outcome == "finished"
    assert "'silent' could score no completion of any step" in ending.message
    assert "KeyError" in ending.message and "'short'" not in ending.message

    add_tiny_run(runs_dir, tiny_model, "heard", max_steps=2)
    assert live_in_process(runs_dir, "heard").message == ""
