"""What TRL is given and what is made of its samples: one rendering, one reward, own decoding."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from rft_core.rewards import scorer as scoring
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.loading.models import load_tokenizer
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.training.grpo import RecordedGRPO
from rft_core.training.run_sink import SilentSink, choose_sink
from tests.tiny_run import add_tiny_run, live_in_process, make_tiny_prompts


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What TRL trains on, batch by batch: its tensors, and what its one reward function gave."""
    batches: list[dict[str, Any]] = []
    original = RecordedGRPO._generate_and_score_completions

    def watch(self: RecordedGRPO, inputs: Any) -> Any:
        outputs = original(self, inputs)
        batches.append(
            {**outputs, "inputs": inputs, "functions": list(self.reward_func_names),
             "weights": self.reward_weights.tolist(),
             "totals": list(self._logs["rewards"]["total"])}
        )  # fmt: skip
        return outputs

    monkeypatch.setattr(RecordedGRPO, "_generate_and_score_completions", watch)
    return batches


def test_trl_trains_on_the_tokens_of_the_rendered_prompt_and_on_one_total(
    tiny_model: Path, runs_dir: Path, seen: list[dict[str, Any]]
) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=3)
    assert live_in_process(runs_dir).outcome == "finished"
    tokenizer, prompt_set = load_tokenizer(str(tiny_model)), make_tiny_prompts()
    messages = prompt_set.prompts(prompt_set.train_rows)
    with open_run(runs_dir, "tiny") as db:
        stored = [g for g in iterate_generations(db) if g.split == "train"]
    for step, batch in enumerate(seen, start=1):
        assert batch["functions"] == ["total"] and batch["weights"] == [1.0]
        of_step = sorted(
            (g for g in stored if g.step == step), key=lambda g: (g.group_index, g.sample_index)
        )
        assert batch["totals"] == pytest.approx([g.reward for g in of_step], abs=1e-6)
        rows = zip(batch["inputs"], batch["prompt_ids"], batch["prompt_mask"], strict=True)
        for row, ids, mask in rows:
            trained = ids[mask.bool()].tolist()
            assert trained == render_prompt(tokenizer, messages[row["position"]])[1]
    assert len(seen) == 3


def test_a_response_template_takes_nothing_from_what_is_scored_and_stored(
    tiny_model: Path, tmp_path: Path, runs_dir: Path
) -> None:
    """TRL would parse completions by it, and keep a part of each as the content."""
    parsing = tmp_path / "parsing-model"
    shutil.copytree(tiny_model, parsing)
    path = parsing / "tokenizer_config.json"
    template = {
        "defaults": {"role": "assistant"},
        "start_anchor": "<|assistant|>",
        "fields": {
            "reasoning_content": {"open": "a", "close_pattern": "b", "content": "text"},
            "content": {"close_pattern": r"<\|end\|>|[^a-z]", "content": "text"},
        },
    }
    path.write_text(json.dumps(json.loads(path.read_text()) | {"response_template": template}))
    tokenizer = load_tokenizer(str(parsing))
    assert tokenizer.parse_response("axbcd1f", prefix="<|assistant|>")["content"] != "axbcd1f"
    texts = []
    for run, model in (("plain", tiny_model), ("parsing", parsing)):
        add_tiny_run(runs_dir, model, run, max_steps=2)
        assert live_in_process(runs_dir, run).outcome == "finished"
        with open_run(runs_dir, run) as db:
            texts.append([(g.split, g.step, g.completion) for g in iterate_generations(db)])
    assert texts[0] == texts[1]
    assert any(len(text) > 1 for *_, text in texts[1])


def test_validation_is_scored_in_portions_of_a_training_batch(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    score = scoring.Scorer.score

    def watch(self: scoring.Scorer, batch: Any, **more: Any) -> Any:
        sizes.append(len(batch.completions))
        return score(self, batch, **more)

    monkeypatch.setattr(scoring.Scorer, "score", watch)
    source = (
        "def batch_size(completions, log_metric, **columns):\n"
        "    log_metric('size', len(completions))\n"
        "    return [float('nan') if c == len(completions) - 1 else 1.0\n"
        "            for c in range(len(completions))]\n"
    )
    rewards = RewardSet((RewardEntry("batch_size", "python", source=source),), "portions")
    add_tiny_run(
        runs_dir, tiny_model, rewards=rewards, prompts=make_tiny_prompts(5, 7), max_steps=1,
        num_generations_eval=2, per_device_train_batch_size=4, eval_steps=1,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    # 14 completions of 7 prompts before and after the step; whole groups of two in each portion.
    assert sizes == [4, 4, 4, 2, 4, 4, 4, 4, 2]
    with open_run(runs_dir, "tiny") as db:
        stored = [g for g in iterate_generations(db) if (g.split, g.step) == ("validation", 1)]
    assert len(stored) == 14


def test_only_the_first_process_records() -> None:
    writer: Any = object()
    assert choose_sink(writer, is_first=True) is writer
    assert isinstance(choose_sink(writer, is_first=False), SilentSink)


def test_another_process_of_the_same_training_leaves_no_record(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    add_tiny_run(runs_dir, tiny_model, max_steps=1)
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        for table in ("steps", "metrics", "generations", "prompts", "checkpoints"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table
