"""What is said of a run as it stands: at once where its reward is flat, nothing of a good one."""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rft_core.cli.app import main
from rft_core.config import RunConfig
from rft_core.diagnosis.preflight.report import Preflight, write_preflight
from rft_core.figures import Curves, extend_curves
from rft_core.jobs.judging import RunJudgement, find_known_gold, judge_run
from rft_core.rewards.advantages import zero_variance_share
from rft_core.store.index import open_index
from rft_core.store.preflights import StoredPreflight
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, Split, StepRecord
from rft_core.store.runs import get_run
from rft_core.types import Problem
from tests.tiny_run import add_tiny_run

GROUP = 8
VALIDATED, STEP = 40, 64  # completions: 104 together


@pytest.fixture
def runs_dir(tmp_path: Path) -> Path:
    return tmp_path


def begin(runs_dir: Path, **settings: Any) -> RunConfig:
    batch = {"num_generations": GROUP, "per_device_train_batch_size": STEP}
    return add_tiny_run(runs_dir, Path("embedded/countdown"), **{**batch, **settings})


def record(
    runs_dir: Path, split: Split, step: int, rewards: Sequence[float], cut_off: float = 0.0
) -> None:
    """A step's completions with their rewards, as the worker stores them."""
    size = GROUP if split == "train" else 1
    prompts = [
        PromptRecord(at, {"question": f"q{at}"}, [{"role": "user", "content": "?"}], "?")
        for at in range(len(rewards) // size)
    ]
    generations = [
        GenerationRecord(
            at // size,
            at % size,
            at // size,
            f"text {at}",
            3,
            False,
            reward,
            None,
            {"right": reward},
            {},
        )
        for at, reward in enumerate(rewards)
    ]
    metrics = {"reward": sum(rewards) / len(rewards), "completions/clipped_ratio": cut_off}
    if split == "train":
        metrics["frac_reward_zero_std"] = zero_variance_share(list(rewards), GROUP)
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        writer.record_step(StepRecord(step, split, metrics, generations, prompts), max_steps=100)


def judge(runs_dir: Path, step: int) -> RunJudgement:
    with open_run(runs_dir, "tiny") as db:
        curves = extend_curves(Curves(), metrics_frame(db))
    with open_index(runs_dir) as index:
        run = get_run(index, "tiny")
    return judge_run(runs_dir, run, step, curves)


def kinds(judgement: RunJudgement) -> list[str]:
    return [finding.kind for finding in judgement.findings]


def test_a_flat_reward_is_said_at_step_1_with_what_was_seen_and_ways_out(runs_dir: Path) -> None:
    begin(runs_dir)
    record(runs_dir, "validation", 0, [0.0] * VALIDATED)
    record(runs_dir, "train", 1, [0.0] * STEP)
    said = judge(runs_dir, 1)
    assert kinds(said) == ["flat"]
    assert said.findings[0].summary.startswith(
        "0 of 104 completions earned anything: with 97% confidence fewer than 3.4% would."
    )
    assert said.ways_out


def test_the_first_validation_alone_is_judged_before_step_1(runs_dir: Path) -> None:
    begin(runs_dir)
    record(runs_dir, "validation", 0, [0.0] * 64)
    [finding] = judge(runs_dir, 0).findings
    assert finding.summary.startswith("0 of 64 completions")


@pytest.mark.parametrize("right", [1, 3])
def test_a_run_with_a_few_right_completions_hears_no_false_sentence(
    runs_dir: Path, right: int
) -> None:
    begin(runs_dir)
    record(runs_dir, "validation", 0, [0.0] * VALIDATED)
    record(runs_dir, "train", 1, [1.0] * right + [0.0] * (STEP - right))
    assert judge(runs_dir, 1) == RunJudgement()


def test_one_success_in_the_validation_is_a_success_too(runs_dir: Path) -> None:
    begin(runs_dir)
    record(runs_dir, "validation", 0, [1.0] + [0.0] * (VALIDATED - 1))
    record(runs_dir, "train", 1, [0.0] * STEP)
    assert judge(runs_dir, 1) == RunJudgement()


def test_a_run_that_rises_after_flat_steps_is_not_accused_any_more(runs_dir: Path) -> None:
    begin(runs_dir)
    for step in (1, 2, 3):
        record(runs_dir, "train", step, [0.0] * STEP)
    assert kinds(judge(runs_dir, 3)) == ["flat"]
    record(runs_dir, "train", 4, [1.0] + [0.0] * (STEP - 1))
    assert judge(runs_dir, 4) == RunJudgement()


def test_the_reward_before_a_warm_up_is_no_evidence_of_what_comes_after(runs_dir: Path) -> None:
    begin(runs_dir, stages="sft 20; grpo 20", gold_column="question")
    record(runs_dir, "validation", 0, [0.0] * 64)
    assert judge(runs_dir, 5) == RunJudgement()  # that is what the warm-up is for
    record(runs_dir, "validation", 20, [0.0] * 30 + [1.0] * 34)
    assert judge(runs_dir, 20) == RunJudgement()
    record(runs_dir, "train", 21, [0.0, 1.0] * (STEP // 2))
    assert judge(runs_dir, 21) == RunJudgement()


def test_a_warm_up_that_did_not_suffice_is_said(runs_dir: Path) -> None:
    begin(runs_dir, stages="sft 20; grpo 20", gold_column="question")
    record(runs_dir, "validation", 0, [0.0] * 64)
    record(runs_dir, "validation", 20, [0.0] * 40)
    record(runs_dir, "train", 21, [0.0] * STEP)
    [finding] = judge(runs_dir, 21).findings
    assert finding.summary.startswith("0 of 104 completions")  # those since the warm-up


def test_methods_that_learn_without_rewards_are_not_judged_by_them(runs_dir: Path) -> None:
    begin(runs_dir, method="sft", gold_column="question")
    record(runs_dir, "validation", 0, [0.0] * 64)
    assert judge(runs_dir, 0) == RunJudgement()


def store_preflight(runs_dir: Path, highest: float, warnings: tuple[Problem, ...] = ()) -> None:
    verdict = Preflight((), 0.0, 1.0, 0.0, None, None, None, warnings)
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        writer.record_preflight(
            StoredPreflight(4, 8, 1.0, 32, 0.0, highest, write_preflight(verdict))
        )


def test_the_preflight_counts_among_what_was_seen(runs_dir: Path) -> None:
    begin(runs_dir)
    store_preflight(runs_dir, 0.0)
    record(runs_dir, "validation", 0, [0.0] * VALIDATED)
    [finding] = judge(runs_dir, 0).findings
    assert finding.summary.startswith("0 of 72 completions")


def test_one_success_in_the_preflight_keeps_the_sentence_back(runs_dir: Path) -> None:
    begin(runs_dir)
    store_preflight(runs_dir, 1.0)
    record(runs_dir, "train", 1, [0.0] * STEP)
    assert kinds(judge(runs_dir, 1)) == []


def test_a_preflight_that_the_steps_refute_accuses_no_longer(runs_dir: Path) -> None:
    begin(runs_dir)
    flat = Problem("no_variance", "error", "", "In every group all rewards are equal.", "Help.")
    store_preflight(runs_dir, 0.0, (flat,))
    before = judge(runs_dir, 0).preflight
    assert before is not None and before.sentence == flat.sentence
    record(runs_dir, "train", 1, [1.0] + [0.0] * (STEP - 1))
    after = judge(runs_dir, 1).preflight
    assert after is not None and "since step 1 some can" in after.sentence


def test_a_preflight_that_cannot_be_read_hides_nothing_else(runs_dir: Path) -> None:
    begin(runs_dir)
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        writer.record_preflight(StoredPreflight(4, 8, 1.0, 32, 0.0, 0.0, '{"of": "later"}'))
    record(runs_dir, "train", 1, [0.0] * STEP)
    said = judge(runs_dir, 1)
    assert said.preflight is None and kinds(said) == ["flat"]


def test_the_command_line_says_it_in_the_same_words(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    begin(runs_dir)
    store_preflight(runs_dir, 0.0)
    record(runs_dir, "train", 1, [0.0] * STEP)
    said = judge(runs_dir, 1)
    assert main(["show", "tiny", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["findings"][0]["summary"] == said.findings[0].summary
    assert [way["what"] for way in document["ways_out"]] == [way.what for way in said.ways_out]
    assert document["preflight"]["num_generations"] == 8
    assert main(["show", "tiny"]) == 0
    text = capsys.readouterr().out
    assert said.findings[0].summary in text and said.preflight is not None
    for way in said.ways_out:
        assert f"{way.title}: {way.what}" in text and way.command in text


def test_gold_is_found_in_a_named_column_a_usual_one_a_chat_or_the_task() -> None:
    rows = [{"q": "1 + 1", "worked": "that is 2", "answer": "2"}, {"q": "?", "worked": ""}]
    named = find_known_gold(rows[:1], "custom", "worked")
    assert named is not None and (named.column, named.completion) == ("worked", "that is 2")
    usual = find_known_gold(rows[:1], "custom")
    assert usual is not None and usual.column == "answer"
    chat = [{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}]
    spoken = find_known_gold(chat, None)
    assert spoken is not None and (spoken.column, spoken.completion) == (None, "b")
    assert find_known_gold([{"q": "1 + 1"}], "custom") is None
    assert find_known_gold([{"q": "1", "answer": "2"}, {"q": "3"}], "custom") is None  # not of all
    assert find_known_gold([{"q": "1 + 1"}], "custom", "gone") is None
    assert find_known_gold([], "custom") is None
