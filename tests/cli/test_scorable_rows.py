"""Rows that nothing can score, as every command says it that would have used them."""

import json
from pathlib import Path

import pytest

from rft_core.store.index import open_index
from rft_core.store.run_writer import PartsDone
from rft_core.store.runs import list_runs
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.sample_run import begin_run

UNREADABLE = ["A: 7", "eighteen", "true", "so \\boxed{6}", '["1"]']
LARGE_ENOUGH = ("--set", "max_steps=1", "--set", "per_device_train_batch_size=8",
                "--set", "gradient_accumulation_steps=1")  # fmt: skip


@pytest.fixture(autouse=True)
def _stays_queued(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)


def write_rows(folder: Path, bad: int, good: int) -> str:
    rows = [{"question": f"bad {n}?", "answer": UNREADABLE[n % 5]} for n in range(bad)]
    rows += [{"question": f"{n} + 1?", "answer": f"#### {n + 1}"} for n in range(good)]
    path = folder / f"rows-{bad}-{good}.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_a_run_that_nothing_could_judge_is_refused(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path, 20, 0)
    refused = rft("launch", "--task", "gsm8k", "--prompts", rows, *LARGE_ENOUGH)
    assert refused.code == 2 and refused.stderr.count("\n") == 1
    assert "20 of 20 rows cannot be scored by 'correctness'" in refused.stderr
    assert "(row 1: 'A: 7'; row 2: 'eighteen'; row 3: 'true')" in refused.stderr
    with open_index(folder.path) as index:
        assert not list_runs(index)


def test_where_some_rows_can_be_judged_a_run_is_warned_with_counts_and_rows(
    rft: Command, tmp_path: Path
) -> None:
    rows = write_rows(tmp_path, 19, 1)
    launched = rft("launch", "--task", "gsm8k", "--prompts", rows, *LARGE_ENOUGH)
    assert launched.code == 0
    assert "Warning: prompt_set: 19 of 20 rows cannot be scored by 'correctness'" in launched.stderr
    fine = rft("launch", "--task", "gsm8k", "--prompts", write_rows(tmp_path, 0, 20), *LARGE_ENOUGH)
    assert fine.code == 0 and "cannot be scored" not in fine.stderr


def test_sft_needs_no_scores_and_is_only_warned(rft: Command, tmp_path: Path) -> None:
    rows = write_rows(tmp_path, 20, 0)
    words = ("launch", "--task", "gsm8k", "--method", "sft", "--prompts", rows, *LARGE_ENOUGH)
    launched = rft(*words, "--set", "gold_column=answer")
    assert launched.code == 0
    assert "20 of 20 rows cannot be scored by 'correctness'" in launched.stderr


def test_plan_names_them_among_warnings_and_problems(rft: Command, tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("task: gsm8k\nmax_steps: 1\nper_device_train_batch_size: 8\n")
    for bad, good, where in ((19, 1, "warnings"), (20, 0, "problems")):
        rft("launch", "--task", "gsm8k", "--prompts", write_rows(tmp_path, bad, good), "--json")
        stored = rft("sets", "--json").document["prompt_sets"]
        [id] = [one["id"] for one in stored if one["name"] == f"rows-{bad}-{good}"]
        plan = rft("plan", str(config), "--set", f"prompt_set={id}", "--json")
        assert f"{bad} of 20 rows cannot be scored" in json.dumps(plan.document[where])
        assert plan.code == (2 if where == "problems" else 0)


def test_probe_does_not_blame_rewards_for_rows(rft: Command, tmp_path: Path) -> None:
    refused = rft("probe", "gsm8k", "--rows", write_rows(tmp_path, 8, 0))
    assert refused.code == 2 and "These rows cannot be probed" in refused.stderr
    assert "4 of 4 rows cannot be scored by 'correctness'" in refused.stderr


def test_score_says_what_it_left_unscored(rft: Command, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [{"question": "?", "answer": answer} for answer in ("A: 7", "7")]
    lines = [{"row": row, "completion": "<answer>7</answer>"} for row in rows]
    source.write_text("\n".join(map(json.dumps, lines)))
    words = ("score", "gsm8k", "--input", str(source), "--output", str(output))
    assert "correctness left 1 of 2 completions unscored: The row's" in rft(*words).stderr
    source.write_text(json.dumps(lines[1]))
    assert "unscored" not in rft(*words).stderr


def test_show_draws_how_far_a_validation_is(rft: Command, folder: RunsFolder) -> None:
    run = begin_run(folder.path)
    run.hold()
    run.train(2)
    assert rft("show", run.id, "--json").document["share_done"] is None
    half = PartsDone(2.0, 4.0, began_at=0.0)
    run.writer.set_progress(
        "validating", "64 of 1,495 prompts, batch 3 of 4", step=2, max_steps=30, parts=half
    )
    document = rft("show", run.id, "--json").document
    assert document["share_done"] == 0.5 and document["part_left"] > 0
    shown = rft("show", run.id).stdout
    assert "64 of 1,495 prompts, batch 3 of 4" in shown
    assert "[##########----------] 50%, about" in shown
    run.end("stopped")
    assert rft("show", run.id, "--json").document["share_done"] is None
