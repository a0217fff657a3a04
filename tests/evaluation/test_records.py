"""Evaluations of stored samples, opened again; checkpoints, scores and a second task."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.records import list_past, open_record
from rft_core.evaluation.reranking import LENGTHS, Reranker, find_reranker, list_rerankers
from rft_core.evaluation.run_evaluation import plan_evaluation, run_evaluation
from rft_core.paths import get_checkpoint_dir
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.deletion import remove_run
from rft_core.store.index import open_index
from rft_core.store.run_writer import RunWriter
from rft_core.store.runs import list_runs
from rft_core.types import Completion, Messages
from tests.evaluation.test_run_evaluation import add_adapter, add_runs

TEXTS = ["<answer>1</answer>", "<answer>1</answer> and more", "<answer>2</answer>", "x"]


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path | None, int]]:
    """Stands in for the model; what it was asked for: adapter, samples of each prompt."""
    asked: list[tuple[Path | None, int]] = []

    def sample(client, model, prompts, n, params, *, adapter=None, on_progress=None):
        asked.append((adapter, n))
        if on_progress:
            on_progress(LoadProgress("sampling", 0.5))
        return [[Completion(TEXTS[i % 4], (1, 2), False) for i in range(n)] for _ in prompts]

    monkeypatch.setattr(GenerationClient, "sample", sample)
    return asked


Asked = list[tuple[Path | None, int]]


def test_past_evaluations_are_listed_newest_first_and_open_without_their_runs(
    tmp_path: Path, sampled: Asked
) -> None:
    assert list_past(tmp_path) == []
    add_runs(tmp_path, a={}, b={})
    add_adapter(tmp_path, "a")
    add_adapter(tmp_path, "b", b"other")
    first = run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=4)
    run_evaluation(plan_evaluation(tmp_path, ["a", "b"], num_prompts=5), k=2)
    past = list_past(tmp_path)
    assert [(one.models, one.k, one.num_prompts) for one in past] == [
        (("base", "a", "b"), 2, 5), (("base", "a"), 4, 3),
    ]  # fmt: skip
    run_evaluation(plan_evaluation(tmp_path, ["a"], num_prompts=3), k=4)
    assert [one.number for one in list_past(tmp_path)] == [first.number, past[0].number]

    for run in ("a", "b"):
        remove_run(tmp_path, run, check=lambda index: None)
    asked = len(sampled)
    opened = open_record(tmp_path, first.number)
    assert opened.main.evaluations == first.main.evaluations and len(sampled) == asked
    assert opened.main.about == first.main.about and list(opened.main.rows) == first.main.rows
    with pytest.raises(NotFoundError, match="There is no evaluation 99"):
        open_record(tmp_path, 99)


def test_checkpoints_are_contenders_of_their_own(tmp_path: Path, sampled: Asked) -> None:
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    writer = RunWriter(tmp_path, "a")
    for step in (20, 40):
        folder = get_checkpoint_dir(tmp_path, "a", step)
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text("{}")
        (folder / "adapter_model.safetensors").write_bytes(str(step).encode())
        writer.add_checkpoint(step=step, resumable=True)
    writer.close()
    plan = plan_evaluation(tmp_path, ["a@20", "a", "a@40"], num_prompts=2)
    assert [c.label for c in plan.contenders] == ["base", "a@20", "a", "a@40"]
    record = run_evaluation(plan, k=1)
    assert [e.model for e in record.main.evaluations] == ["base", "a@20", "a", "a@40"]
    assert [folder.name if folder else None for folder, _ in sampled] == [
        None, get_checkpoint_dir(tmp_path, "a", 20).name, "adapter",
        get_checkpoint_dir(tmp_path, "a", 40).name,
    ]  # fmt: skip
    with pytest.raises(NotFoundError, match="no adapter of step 30"):
        plan_evaluation(tmp_path, ["a@30"])
    with pytest.raises(BadInputError, match="names no checkpoint"):
        plan_evaluation(tmp_path, ["a@last"])


def test_scores_are_asked_for_once_and_kept(tmp_path: Path, sampled: Asked) -> None:
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    calls: list[int] = []

    def score(prompts: Sequence[Messages], completions: Sequence[str]) -> list[float]:
        assert prompts[0][-1]["content"]
        calls.append(len(completions))
        return [float(text.count("2")) for text in completions]

    reranker = Reranker("likes-two", "hash-of-it", score)
    plan = plan_evaluation(tmp_path, ["a"], num_prompts=3)
    made = run_evaluation(plan, k=4, rerank=reranker)
    assert calls == [12, 12] and made.rerank == "likes-two"
    assert [e.best is not None for e in made.main.evaluations] == [True, True]
    again = run_evaluation(plan, k=2, rerank=reranker)
    assert calls == [12, 12], "the first two of four are scored already"
    opened = open_record(tmp_path, made.number)
    assert opened.main.evaluations == made.main.evaluations and opened.rerank == "likes-two"
    assert again.main.sampled[0].scores == [[0.0, 0.0]] * 3
    run_evaluation(plan, k=5, rerank=reranker)
    assert calls == [12, 12, 15, 15], "more samples are scored with the others"


def test_only_a_run_that_scores_can_rerank(tmp_path: Path) -> None:
    add_runs(tmp_path, a={})
    with pytest.raises(BadInputError) as caught:
        find_reranker(tmp_path, "a")
    assert "trained by GRPO, and only a run of the method reward_model scores" in caught.value.why
    with pytest.raises(NotFoundError, match="There is no run 'b'"):
        find_reranker(tmp_path, "b")
    with open_index(tmp_path) as index:
        assert list_rerankers(list_runs(index)) == list(LENGTHS)
    short, long = (find_reranker(tmp_path, name).score for name in ("shortest", "longest"))
    assert short([[], []], ["a", "bb"]) == [-1.0, -2.0] and long([[], []], ["a", "bb"]) == [1, 2]


def test_a_second_task_is_measured_with_the_same_models_where_its_prompts_fit(
    tmp_path: Path, sampled: Asked
) -> None:
    add_runs(tmp_path, a={})
    add_adapter(tmp_path, "a")
    plan = plan_evaluation(tmp_path, ["a"], num_prompts=3)
    second = plan_evaluation(tmp_path, ["a"], task="countdown-easy", num_prompts=4)
    shares: list[float] = []
    record = run_evaluation(
        plan, k=2, regression=second, on_progress=lambda share, progress: shares.append(share)
    )
    assert shares == [1 / 8, 3 / 8, 5 / 8, 7 / 8], "of two models on two tasks, each half done"
    assert all(e.cost.seconds is not None for e in record.main.evaluations)
    assert record.regression and record.regression.task == "countdown-easy"
    assert record.regression.labels == record.main.labels == ["base", "a"]
    assert record.regression.evaluations[1].versus_base is not None
    opened = open_record(tmp_path, record.number)
    assert opened.regression and opened.regression.evaluations == record.regression.evaluations
    assert list_past(tmp_path)[0].regression == "countdown-easy"

    first = len(sampled)
    plan = replace(plan, params=replace(plan.params, max_completion_length=200))
    second = plan_evaluation(tmp_path, ["a"], task="json_output", num_prompts=3)
    second = replace(second, params=plan.params)
    with pytest.raises(BadInputError) as caught:
        run_evaluation(plan, regression=second)
    GenerationClient(tmp_path).stop()
    assert caught.value.what == "The prompts of 'json_output' do not suit the model"
    assert "reads 512 tokens" in caught.value.why
    assert len(sampled) == first, "refused before anything is sampled"
