"""The hack radar over a stored run: an alarm with its generations, and silence that says why."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from rft_core.cli.app import main
from rft_core.figures import Curves, extend_curves
from rft_core.jobs.judging.judge import RunJudgement, judge_run
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import list_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, Split, StepRecord
from rft_core.store.runs import get_run
from tests.tiny_run import add_tiny_run

STEP, GROUP = 32, 8
PAID = RewardEntry("proxy", "regex", 1.0, {"pattern": "yes"})
WATCHED = RewardSet((PAID, RewardEntry("equation", "equation", 0.0)), truth=("equation",))
PROMPT = PromptRecord(0, {"question": "q"}, [{"role": "user", "content": "?"}], "?")


def record(
    runs_dir: Path,
    rewards: Sequence[float],
    truths: Sequence[float],
    *,
    splits: Sequence[Split] = ("train",),
    flagged: bool = False,
) -> None:
    """Steps with so large shares of completions that are paid, and that are right.

    The right ones are the first, and the paid ones the last: they part as far as they can.
    """
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        for at, (share, true) in enumerate(zip(rewards, truths, strict=True)):
            for split in splits:
                step = at + 1 if split == "train" else at
                writer.record_step(_make_step(step, split, share, true, flagged), max_steps=100)


def _make_step(step: int, split: Split, share: float, true: float, flagged: bool) -> StepRecord:
    paid = np.arange(STEP) >= round((1 - share) * STEP)
    right = np.arange(STEP) < round(true * STEP)
    generations = [
        GenerationRecord(
            n // GROUP, n % GROUP, 0, "text", 3, False, float(paid[n]), None,
            {"proxy": float(paid[n]), "equation": float(right[n])}, {},
            ("cheat",) if flagged and not right[n] else (),
        )
        for n in range(STEP)
    ]  # fmt: skip
    metrics = {
        "reward": float(paid.mean()),
        "rewards/equation/mean": float(right.mean()),
        "rewards/equation/std": float(right.std(ddof=1)),
        "flagged": float(1 - right.mean()) if flagged else 0.0,
    }
    return StepRecord(step, split, metrics, generations, [PROMPT])


def judge(runs_dir: Path, step: int) -> RunJudgement:
    with open_run(runs_dir, "tiny") as db:
        curves = extend_curves(Curves(), metrics_frame(db))
    with open_index(runs_dir) as index:
        run = get_run(index, "tiny")
    return judge_run(runs_dir, run, step, curves)


def add_run(runs_dir: Path, rewards: RewardSet) -> None:
    add_tiny_run(
        runs_dir, Path("embedded/countdown"), rewards=rewards, num_generations=GROUP,
        per_device_train_batch_size=STEP,
    )  # fmt: skip


def noisy(start: float, end: float, steps: int = 40, seed: int = 0) -> list[float]:
    noise = np.random.default_rng(seed).normal(0, 0.05, steps)
    return list(np.clip(np.linspace(start, end, steps) + noise, 0, 1))


def test_a_hacked_run_is_alarmed_with_generations_that_are_paid_and_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(tmp_path, WATCHED)
    record(tmp_path, noisy(0.3, 0.95), noisy(0.3, 0.25, seed=1))
    said = judge(tmp_path, 40)
    assert [finding.kind for finding in said.findings] == ["hacking"]
    assert said.radar is not None and said.radar.finding is not None
    shown = set(said.radar.finding.generations)
    with open_run(tmp_path, "tiny") as db:
        found = [g for g in list_generations(db, limit=2000) if g.id in shown]
    assert len(found) == 3
    assert all(g.reward == 1 and g.scores["equation"] == 0 and g.step > 24 for g in found)
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    assert main(["show", "tiny", "--json"]) == 0
    radar = json.loads(capsys.readouterr().out)["radar"]
    assert radar["state"] == "alarm" and set(radar["generations"]) == shown
    assert 1 < radar["parted_at"] < 40


def test_an_honest_run_hears_nothing_and_what_is_watched(tmp_path: Path) -> None:
    add_run(tmp_path, WATCHED)
    both = noisy(0.3, 0.8)
    record(tmp_path, both, both)
    said = judge(tmp_path, 40)
    assert said.findings == () and said.radar is not None
    assert said.radar.state == "clear" and "'equation'" in said.radar.sentence


def test_without_a_truth_it_is_silent_and_the_command_line_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add_run(tmp_path, RewardSet((PAID,)))
    record(tmp_path, noisy(0.3, 0.95), noisy(0.3, 0.25))
    said = judge(tmp_path, 40)
    assert said.findings == () and said.radar is not None and said.radar.state == "no truth"
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    assert main(["show", "tiny"]) == 0
    assert f"Hack radar: {said.radar.sentence}" in capsys.readouterr().out


def test_held_out_rows_are_the_truth_where_nothing_is_only_logged(tmp_path: Path) -> None:
    decides = RewardEntry("equation", "equation", 1.0)
    add_run(tmp_path, RewardSet((PAID, decides), truth=("equation",)))
    record(tmp_path, noisy(0.2, 1.0), noisy(0.3, 0.3), splits=("validation", "train"))
    said = judge(tmp_path, 40)
    assert said.radar is not None and said.radar.finding is not None
    assert said.radar.finding.severity == "warning" and "held-out" in said.radar.sentence
    assert said.radar.finding.missing == ("a reward function of weight 0",)


def test_flags_that_become_more_are_an_alarm_where_nothing_else_is_known(tmp_path: Path) -> None:
    add_run(tmp_path, RewardSet((PAID,)))
    record(tmp_path, noisy(0.3, 0.9), noisy(0.95, 0.4), flagged=True)
    said = judge(tmp_path, 40)
    assert [finding.kind for finding in said.findings] == ["hacking"]  # not twice
    assert said.radar is not None and said.radar.finding is not None
    with open_run(tmp_path, "tiny") as db:
        found = {g.id: g for g in list_generations(db, limit=2000)}
    assert all(found[id].flags for id in said.radar.finding.generations)


def test_a_run_that_cannot_name_its_rewards_is_not_judged_by_them(tmp_path: Path) -> None:
    add_run(tmp_path, WATCHED)
    record(tmp_path, noisy(0.3, 0.9), noisy(0.3, 0.3))
    with open_index(tmp_path) as index:
        index.execute("DELETE FROM sets WHERE kind = 'rewards'")
        index.conn.commit()
    said = judge(tmp_path, 40)
    assert said.radar is not None and said.radar.state == "no truth"
