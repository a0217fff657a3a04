"""Scoring a run again: the same rewards give the same curve, others another, and nothing twice."""

import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.errors import NotFoundError, RftError, WorkerError
from rft_core.paths import PROJECT_ROOT, get_rescore_lock_path, get_rescores_path
from rft_core.rescoring import RescoreResult, rescore
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.store.index import open_index
from rft_core.store.rescores import (
    Tally,
    get_rescore,
    get_tally,
    list_rescores,
    open_rescores,
    rescored_frame,
)
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import RunWriter
from rft_core.store.runs import add_run
from rft_core.store.state.run_lock import FileLock
from tests.sample_run import begin_run, write_finished_run
from tests.tiny_model import make_tiny_model
from tests.tiny_run import TINY_REWARDS, add_tiny_run, live_in_process

RUN = "countdown-1"
STEPS, PER_STEP, VALIDATED = 20, 8, 2 * 6
FORMAT = RewardSet((RewardEntry("format", "format"),), "format")


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    write_finished_run(tmp_path, RUN, steps=STEPS)
    return tmp_path


def tally_of(runs_dir: Path, rewards: RewardSet, run: str = RUN) -> Tally:
    with open_rescores(runs_dir, run) as db:
        return get_tally(db, rewards.id)


def curve(runs_dir: Path, rewards: RewardSet, name: str, run: str = RUN) -> dict[int, float]:
    with open_rescores(runs_dir, run) as db:
        frame = rescored_frame(db, rewards.id)
    frame = frame[(frame["name"] == name) & (frame["split"] == "train")]
    return dict(zip(frame["step"], frame["value"], strict=True))


def test_a_runs_own_rewards_give_its_own_curves(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "model")
    add_tiny_run(tmp_path, model)
    assert live_in_process(tmp_path).outcome == "finished"
    result = rescore(tmp_path, "tiny", TINY_REWARDS)
    assert not result.problems
    with open_run(tmp_path, "tiny") as db, open_rescores(tmp_path, "tiny") as again:
        old, new = metrics_frame(db), rescored_frame(again, TINY_REWARDS.id)
    key = ["split", "step", "name"]
    both = old.merge(new, on=key, suffixes=("_old", "_new"))
    assert set(both["name"]) > {"reward", "reward_std", "frac_reward_zero_std", "flagged"}
    assert {f"rewards/{n}/mean" for n in TINY_REWARDS.names} <= set(both["name"])
    assert len(both) == len(new)
    assert both["value_new"].tolist() == pytest.approx(both["value_old"].tolist(), abs=1e-6)
    assert both["elapsed_new"].tolist() == both["elapsed_old"].tolist()
    tally = tally_of(tmp_path, TINY_REWARDS, "tiny")
    assert (tally.encouraged, tally.discouraged, tally.woken, tally.silenced) == (0, 0, 0, 0)
    assert tally.generations == result.generations == result.scored


def test_other_rewards_say_what_would_have_changed_for_whom(runs_dir: Path) -> None:
    opposite = reward_set_from_source(
        "def opposite(completions, target, **_):\n"
        "    return [float(len(text)) for text in completions]\n"
    )
    rescore(runs_dir, RUN, opposite)
    tally = tally_of(runs_dir, opposite)
    assert tally.generations == STEPS * PER_STEP + VALIDATED and tally.groups == STEPS * 2
    assert tally.encouraged > 0 and tally.discouraged > 0 and tally.unscored == 0
    rescore(runs_dir, RUN, FORMAT)
    tally = tally_of(runs_dir, FORMAT)
    assert tally.silenced > 0, "groups that all have the format teach nothing"


def test_what_was_scored_is_not_scored_again(runs_dir: Path) -> None:
    first = rescore(runs_dir, RUN, FORMAT)
    again = rescore(runs_dir, RUN, FORMAT)
    assert first.scored == first.generations == again.generations and again.scored == 0
    found = get_rescore(runs_dir, RUN, FORMAT.id)
    assert found and (found.attempt, found.state) == (2, "finished")
    assert (found.done, found.total) == (first.generations, first.generations)


def test_the_new_steps_of_a_live_run_are_appended(tmp_path: Path) -> None:
    run = begin_run(tmp_path, RUN)
    run.train(3)
    assert rescore(tmp_path, RUN, FORMAT).scored == 3 * PER_STEP
    run.train(2)
    assert rescore(tmp_path, RUN, FORMAT).scored == 2 * PER_STEP
    assert list(curve(tmp_path, FORMAT, "reward")) == [1, 2, 3, 4, 5]
    run.end()


def test_steps_that_the_run_made_again_are_scored_again(tmp_path: Path) -> None:
    run = begin_run(tmp_path, RUN)
    run.train(5)
    rescore(tmp_path, RUN, FORMAT)
    run.writer.start_attempt(from_step=2, pid=1)
    assert rescore(tmp_path, RUN, FORMAT).scored == 0
    assert list(curve(tmp_path, FORMAT, "reward")) == [1, 2]
    run.step = 2
    run.train(2)
    assert rescore(tmp_path, RUN, FORMAT).scored == 2 * PER_STEP
    run.end()


def test_a_function_sees_the_step_as_training_showed_it(runs_dir: Path) -> None:
    source = (
        "def late(completions, completion_ids, nums, trainer_state):\n"
        "    assert len(nums) == len(completions) in (8, 6)\n"
        "    return [trainer_state.global_step + len(ids) / 1000 for ids in completion_ids]\n"
    )
    late = reward_set_from_source(source)
    result = rescore(runs_dir, RUN, late)
    assert not result.problems
    assert [int(value) for value in curve(runs_dir, late, "reward").values()] == list(range(STEPS))
    assert all(value % 1 > 0.01 for value in curve(runs_dir, late, "reward").values())


def test_rewards_that_cannot_score_a_step_end_it_with_the_reason(runs_dir: Path) -> None:
    broken = reward_set_from_source("def broken(completions):\n    return [1 / 0]\n")
    with pytest.raises(RftError, match=r"step 1 could be scored.*ZeroDivisionError"):
        rescore(runs_dir, RUN, broken)
    found = get_rescore(runs_dir, RUN, broken.id)
    assert found and found.state == "failed" and "ZeroDivisionError" in found.message


def test_what_some_completions_lack_is_told_and_counted(runs_dir: Path) -> None:
    picky = reward_set_from_source(
        "def picky(completions):\n"
        "    for text in completions:\n"
        "        if '.1.2' in text: raise ValueError('not this')\n"
        "    return [1.0] * len(completions)\n"
    )
    result = rescore(runs_dir, RUN, picky)
    assert len(result.problems) == 1 and "not this" in result.problems[0]
    assert tally_of(runs_dir, picky).unscored == STEPS


def test_an_interrupted_one_keeps_what_it_has_and_goes_on(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rft_core.rescoring.STORE_SECONDS", 0.0)

    def stop(done: int, total: int) -> None:
        if done > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rescore(runs_dir, RUN, FORMAT, on_progress=stop)
    found = get_rescore(runs_dir, RUN, FORMAT.id)
    assert found and found.state == "stopped" and 40 < found.done < found.total
    assert rescore(runs_dir, RUN, FORMAT).scored == found.total - found.done


def test_two_at_once_with_the_same_rewards_are_one(runs_dir: Path) -> None:
    lock = FileLock(get_rescore_lock_path(runs_dir, RUN, FORMAT.id))
    lock.acquire()
    with pytest.raises(WorkerError):
        rescore(runs_dir, RUN, FORMAT)
    other = RewardSet((RewardEntry("other", "format"),))
    assert rescore(runs_dir, RUN, other).scored
    lock.release()


def test_a_run_that_has_nothing_says_so(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        add_run(index, id="empty", config=make_config({}))
    with pytest.raises(NotFoundError, match="sampled nothing yet"):
        rescore(tmp_path, "empty", FORMAT)
    assert not get_rescores_path(tmp_path, "empty").exists()
    RunWriter(tmp_path, "empty").close()
    result = rescore(tmp_path, "empty", FORMAT)
    assert result == RescoreResult(0, 0, result.seconds, ())
    assert list_rescores(tmp_path, "empty")[0].state == "finished"


def test_scoring_again_loads_no_torch() -> None:
    code = "import sys, rft_core.rescoring; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, check=True)
