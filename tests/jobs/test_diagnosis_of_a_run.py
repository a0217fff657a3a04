"""What a stored run is diagnosed by, and the completions that are named as proof."""

import json
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from rft_core.cli.app import main
from rft_core.diagnosis.finding import Finding
from rft_core.jobs.judging.judge import gather_at
from rft_core.paths import get_heartbeat_path, get_worker_lock_path
from rft_core.store.generations import count_identical_groups, get_top_scores, list_generations
from rft_core.store.index import open_index
from rft_core.store.phase_times import list_step_phases
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.runs import get_run
from rft_core.store.search import GenerationFilter
from rft_core.store.state.run_lock import FileLock
from tests.diagnosis.doctor.sick_curves import curves_of
from tests.jobs.test_judging import begin, judge

GROUPS = 8


def record(
    runs_dir: Path,
    step: int,
    texts: Sequence[str],
    rewards: Sequence[float | None],
    **facts: object,
) -> None:
    """A step of 8 groups of 8; `texts` and `rewards` of each group's completions in turn."""
    prompts = [
        PromptRecord(at, {"question": f"q{at}"}, [{"role": "user", "content": "?"}], "?")
        for at in range(GROUPS)
    ]
    generations = [
        GenerationRecord(
            at // 8, at % 8, at // 8, texts[at % len(texts)], 3 + at, bool(facts.get("cut")),
            rewards[at % len(rewards)], None, {"right": rewards[at % len(rewards)]}, {},
            flags=("trick",) if facts.get("flagged") and at % 8 == 0 else (),
        )
        for at in range(8 * GROUPS)
    ]  # fmt: skip
    metrics = {
        "reward": sum(rewards) / len(rewards),
        "completions/clipped_ratio": float(bool(facts.get("cut"))),
        "frac_reward_zero_std": float(len(set(rewards)) == 1),
    }
    phases = {"sample": 2.0 * step, "score": 0.5 * step}
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        step_record = StepRecord(step, "train", metrics, generations, prompts, phases=phases)
        writer.record_step(step_record, max_steps=100)


DISTINCT = [f"text {at}" for at in range(8)]


def test_groups_of_one_text_and_the_best_scores_are_counted_in_the_newest_steps(
    tmp_path: Path,
) -> None:
    begin(tmp_path)
    record(tmp_path, 1, ["same"], [0.5])
    record(tmp_path, 2, DISTINCT, [0.0, 1.0])
    record(tmp_path, 3, ["same"], [0.25])
    record(tmp_path, 4, ["same"], [0.0, 1.0])  # one text with two rewards is no lack of sampling
    with open_run(tmp_path, "tiny") as db:
        assert count_identical_groups(db, newest=2, until=3) == (16, 8)
        assert count_identical_groups(db, newest=1, until=4) == (8, 0)
        assert count_identical_groups(db, newest=3, until=0) == (0, 0)
        assert get_top_scores(db, ["right", "gone"], newest=1, until=3) == {"right": 0.25}
        assert get_top_scores(db, ["right"], newest=2, until=3) == {"right": 1.0}
        assert list_step_phases(db, 9, 3) == [{"sample": 2.0, "score": 0.5}] * 2


def test_a_finding_names_completions_that_show_it(tmp_path: Path) -> None:
    begin(tmp_path)
    for step in (1, 2):
        record(tmp_path, step, DISTINCT, [0.0, 1.0], cut=True)
    [finding] = judge(tmp_path, 2).findings
    assert finding.kind == "truncated" and len(finding.generations) == 3
    with open_run(tmp_path, "tiny") as db:
        shown = list_generations(db, GenerationFilter(ids=finding.generations))
    assert {generation.id for generation in shown} == set(finding.generations)
    assert all(generation.truncated and generation.step == 2 for generation in shown)
    assert max(generation.num_tokens for generation in shown) == 66  # the longest ones


def test_a_finding_about_flags_names_flagged_ones_of_several_steps(tmp_path: Path) -> None:
    from rft_core.jobs.judging.shown_by import with_generations

    begin(tmp_path)
    record(tmp_path, 1, DISTINCT, [1.0], flagged=True)
    record(tmp_path, 2, DISTINCT, [1.0])
    hacking = Finding("hacking", "error", "", "", "", "")
    with open_run(tmp_path, "tiny") as db:
        ids = with_generations(db, hacking).generations
        shown = list_generations(db, GenerationFilter(ids=ids))
    assert len(ids) == 3 and all(g.flags == ("trick",) and g.step == 1 for g in shown)


def test_one_text_in_every_group_is_found_in_what_is_stored(tmp_path: Path) -> None:
    begin(tmp_path, temperature=0.001)
    for step in (1, 2):
        record(tmp_path, step, ["same"], [0.5])
    record(tmp_path, 3, ["same"], [1.0])
    assert [finding.kind for finding in judge(tmp_path, 3).findings] == ["identical"]


def test_only_of_a_worker_that_lives_is_it_asked_whether_it_goes_on(tmp_path: Path) -> None:
    begin(tmp_path)
    for step in (1, 2, 3, 4):
        record(tmp_path, step, DISTINCT, [0.0, 1.0])
    with closing(RunWriter(tmp_path, "tiny")) as writer:
        writer.set_progress("training", "scoring 64 completions", step=4, max_steps=100)
    with open_index(tmp_path) as index:
        run = get_run(index, "tiny")
    curves = curves_of(reward=[0.5] * 4)
    assert gather_at(tmp_path, run, 4, curves).under_way is None
    lock = FileLock(get_worker_lock_path(tmp_path, "tiny"))
    lock.acquire()
    get_heartbeat_path(tmp_path, "tiny").touch()
    try:
        evidence = gather_at(tmp_path, run, 4, curves)
    finally:
        lock.release()
    assert evidence.under_way is not None and evidence.under_way.phase == "score"
    assert evidence.under_way.closed == (0.5, 0.5, 0.5)
    assert evidence.under_way.silent_for < 60 and (evidence.silent_for or 0) < 60


def test_the_command_says_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    begin(tmp_path)
    record(tmp_path, 1, DISTINCT, [0.0, 1.0])
    assert main(["doctor", "tiny"]) == 0
    assert "nothing is wrong, as far as 1 steps can say" in capsys.readouterr().out
    record(tmp_path, 2, DISTINCT, [0.0, 1.0], cut=True)
    record(tmp_path, 3, DISTINCT, [0.0, 1.0], cut=True)
    record(tmp_path, 4, DISTINCT, [0.0, 1.0], cut=True)
    assert main(["doctor", "tiny", "--json"]) == 0
    [told] = json.loads(capsys.readouterr().out)["findings"]
    [found] = judge(tmp_path, 4).findings
    for name in ("kind", "severity", "summary", "evidence", "fix"):
        assert told[name] == getattr(found, name)
    assert told["generations"] == list(found.generations) and len(found.generations) == 3
    assert main(["doctor", "tiny"]) == 0
    text = capsys.readouterr().out
    assert found.summary in text and found.evidence in text
    assert main(["doctor", "gone"]) == 2


def test_it_takes_moments(tmp_path: Path) -> None:
    """It is asked at every look at a run."""
    begin(tmp_path)
    for step in (1, 2, 3):
        record(tmp_path, step, DISTINCT, [0.0, 1.0], cut=True)
    judge(tmp_path, 3)
    began = time.process_time()
    judge(tmp_path, 3)
    assert time.process_time() - began < 0.2
