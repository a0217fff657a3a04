"""The card's table of base and tuned model, from evaluations that are stored."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.records import EvaluationRecord, find_measured, make_matchup, save_record
from rft_core.evaluation.report import difference_text
from rft_core.evaluation.results import Sampled
from rft_core.export import export_run
from rft_core.paths import get_adapter_dir, get_checkpoint_dir
from rft_core.store.evaluations import JudgedSample, StoredEvaluation, set_evaluation
from rft_core.store.index import open_index
from rft_core.store.run_writer import RunWriter
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import TINY_REWARDS, add_tiny_run

ROWS = 40


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    model, runs_dir = make_tiny_model(tmp_path / "model"), tmp_path / "runs"
    add_tiny_run(runs_dir, model)
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"))
    make_tiny_adapter(model, get_checkpoint_dir(runs_dir, "tiny", 2))
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        writer.start_attempt(from_step=0, pid=1)
        writer.add_checkpoint(step=2, resumable=False)
    return runs_dir


def store(
    runs_dir: Path, right: dict[str, int], *, step: int | None, task: str = "custom"
) -> EvaluationRecord:
    """An evaluation in which each model answers the first so many of 40 rows rightly."""
    sampled, keys = [], []
    with open_index(runs_dir) as index:
        for label, count in right.items():
            groups: Sequence[Sequence[JudgedSample]] = [
                [JudgedSample(f"answer {n}", False, n < count, 4)] for n in range(ROWS)
            ]
            run, of_step = (None, None) if label == "base" else (label.partition("@")[0], step)
            keys.append(f"{task}-{label}-{step}-{count}")
            set_evaluation(
                index,
                StoredEvaluation(keys[-1], run, of_step, task, 0, {}, TINY_REWARDS.id, groups),
            )
            sampled.append(Sampled(label, groups))
    rows = [{"question": f"q{n}"} for n in range(ROWS)]
    prompts = [[{"role": "user", "content": row["question"]}] for row in rows]
    held_out = HeldOut(task, "held-out", rows, prompts, TINY_REWARDS)
    about = f"{task}, {ROWS} held-out rows"
    matchup = make_matchup(held_out, about, keys, sampled, vote=False, seed=0)
    return save_record(runs_dir, matchup, None, k=1, vote=False, rerank=None, seed=0)


def read_card(runs_dir: Path, to: Path, step: int | None = None) -> str:
    export_run(runs_dir, "tiny", to, step=step)
    return (to / "README.md").read_text()


def test_the_card_has_base_and_tuned_with_their_intervals(runs_dir: Path, tmp_path: Path) -> None:
    store(runs_dir, {"base": 4, "other": 1, "tiny": 9}, step=None)
    record = store(runs_dir, {"base": 4, "tiny": 20}, step=None)  # the newest counts
    card = read_card(runs_dir, tmp_path / "out")
    base, tuned = record.main.evaluations
    for name, one in (("base", base), ("tuned", tuned)):
        low, high = one.first.ci
        shown = f"| {name} | {100 * one.first.value:.1f}% ({100 * low:.1f} to {100 * high:.1f}) |"
        assert shown in card
    assert "| base | 10.0% " in card and "| tuned | 50.0% " in card
    assert tuned.versus_base and difference_text(tuned.versus_base) in card
    assert "custom, 40 held-out rows" in card and "22.5%" not in card


def test_every_task_that_was_measured_has_its_table(runs_dir: Path, tmp_path: Path) -> None:
    store(runs_dir, {"base": 4, "tiny": 20}, step=None)
    store(runs_dir, {"base": 30, "tiny": 28}, step=None, task="countdown")
    card = read_card(runs_dir, tmp_path / "out")
    assert "custom, 40 held-out rows" in card and "countdown, 40 held-out rows" in card
    assert "| tuned | 70.0% " in card


def test_another_checkpoints_figures_are_not_this_ones(runs_dir: Path, tmp_path: Path) -> None:
    store(runs_dir, {"base": 4, "tiny@2": 20}, step=2)
    assert "Not evaluated yet" in read_card(runs_dir, tmp_path / "finished")
    assert "| tuned | 50.0% " in read_card(runs_dir, tmp_path / "two", step=2)


def test_a_finished_run_and_its_last_step_are_the_same_policy(
    runs_dir: Path, tmp_path: Path
) -> None:
    store(runs_dir, {"base": 4, "tiny@4": 20}, step=4)
    assert "| tuned | 50.0% " in read_card(runs_dir, tmp_path / "out")


def test_samples_that_are_gone_are_left_out(runs_dir: Path) -> None:
    record = store(runs_dir, {"base": 4, "tiny": 20}, step=None)
    assert [one.number for one in find_measured(runs_dir, "tiny", {None})] == [record.number]
    with open_index(runs_dir) as index:
        index.execute("DELETE FROM evaluations WHERE run IS NULL")
        index.conn.commit()
    assert find_measured(runs_dir, "tiny", {None}) == []
