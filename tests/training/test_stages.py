"""Runs in stages, trained for real: one count of steps, one adapter handed on."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from rft_core.paths import get_checkpoint_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.training import recorded
from rft_core.training.prompts import make_training_prompts
from tests.tiny_run import add_tiny_run, live_in_process
from tests.training.test_methods import assert_same_run, make_gold_prompts, read_metrics

SHORT = RewardSet((RewardEntry("short", "length", 1.0, {"target": 4}),), "short")


def add_staged_run(runs_dir: Path, model: Path, run_id: str, stages: str, **more: Any) -> None:
    add_tiny_run(
        runs_dir, model, run_id, stages=stages, prompts=make_gold_prompts(), rewards=SHORT,
        gold_column="gold", **{"eval_steps": 3, "save_steps": 0, "save_total_limit": 9, **more},
    )  # fmt: skip


@pytest.mark.parametrize("stop_during", [3, 9], ids=["in-the-first", "in-the-second"])
def test_a_run_stopped_in_either_stage_goes_on_exactly(
    tiny_model: Path, runs_dir: Path, stop_during: int
) -> None:
    stages = "sft 6 learning_rate=0.05; grpo 6"
    add_staged_run(runs_dir, tiny_model, "straight", stages)
    add_staged_run(runs_dir, tiny_model, "resumed", stages)
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    assert live_in_process(runs_dir, "resumed", stop_during=stop_during).outcome == "stopped"
    torch.manual_seed(99)
    assert live_in_process(runs_dir, "resumed").outcome == "finished"
    assert_same_run(runs_dir, "straight", "resumed")
    metrics = read_metrics(runs_dir, "straight")
    assert list(metrics.loc["train"].index) == list(range(1, 13))
    assert metrics.loc["train"]["mean_token_accuracy"].notna().sum() == 6
    assert metrics.loc["train"]["reward"].notna().sum() == 6


def test_the_first_samples_of_grpo_are_those_of_the_model_that_sft_left(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[SamplingParams] = []
    draw = recorded.Recorded._draw_sampling

    def watch(self: recorded.Recorded) -> SamplingParams:
        params = draw(self)
        if self.model.training and self.parts.plan.number == 1:
            drawn.append(params)
        return params

    monkeypatch.setattr(recorded.Recorded, "_draw_sampling", watch)
    add_staged_run(runs_dir, tiny_model, "run", "sft 6 learning_rate=0.05; grpo 2", eval_steps=0)
    assert live_in_process(runs_dir, "run").outcome == "finished"
    with open_run(runs_dir, "run") as db:
        first = [g for g in iterate_generations(db) if (g.split, g.step) == ("train", 7)]
    first.sort(key=lambda g: (g.group_index, g.sample_index))

    from peft import PeftModel

    base, tokenizer = load_base(str(tiny_model))
    folder = get_checkpoint_dir(runs_dir, "run", 6)
    tuned = PeftModel.from_pretrained(base, str(folder))
    prompts = make_training_prompts(make_gold_prompts(), tokenizer).train
    with open_run(runs_dir, "run") as db:
        position = dict(db.execute("SELECT id, position FROM prompts WHERE split = 'train'"))
    rows = [
        SampledRow(prompts[position[g.prompt_id]].token_ids, index, "default")
        for index, g in enumerate(first)
    ]

    def sample(model: Any, name: str | None) -> list[str]:
        named = [SampledRow(row.prompt, row.index, name) for row in rows]
        sampler = Sampler(model, get_end_tokens(base, tokenizer))
        ids = [list(tokens.ids) for tokens in sampler.sample(named, drawn[0])]
        return list(tokenizer.batch_decode(ids, skip_special_tokens=True))

    stored = [g.completion for g in first]
    assert stored == sample(tuned, "default")
    with tuned.disable_adapter():
        assert stored != sample(tuned.get_base_model(), None)  # or it would say nothing


def test_kl_is_measured_to_the_base_or_to_what_the_stage_began_with(
    tiny_model: Path, runs_dir: Path
) -> None:
    for reference in ("base", "stage_start"):
        stages = f"sft 6 learning_rate=0.05; grpo 3 reference={reference} warmup_steps=0"
        add_staged_run(runs_dir, tiny_model, reference, stages)
        assert live_in_process(runs_dir, reference).outcome == "finished"
    base, start = (read_metrics(runs_dir, r).loc["train"]["kl"] for r in ("base", "stage_start"))
    assert base[7] > 1e-3  # SFT has moved the policy away from the base
    assert abs(start[7]) < 1e-6 < start[9]  # at its own reference at first, then away from it
    saved = load_file(get_checkpoint_dir(runs_dir, "stage_start", 9) / "adapter_model.safetensors")
    assert saved and not any(".ref." in name for name in saved)  # the reference is not the policy
    assert not (get_checkpoint_dir(runs_dir, "stage_start", 9) / "ref").exists()


def test_a_frozen_reference_survives_a_resume(tiny_model: Path, runs_dir: Path) -> None:
    stages = "sft 4 learning_rate=0.05; rloo 6 reference=stage_start"
    for run in ("straight", "resumed"):
        add_staged_run(runs_dir, tiny_model, run, stages, eval_steps=0)
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    assert live_in_process(runs_dir, "resumed", stop_during=7).outcome == "stopped"
    assert live_in_process(runs_dir, "resumed").outcome == "finished"
    assert_same_run(runs_dir, "straight", "resumed")


def test_one_stage_alone_is_the_run_without_stages(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, "plain", max_steps=3)
    add_tiny_run(runs_dir, tiny_model, "staged", stages="grpo 3")
    for run in ("plain", "staged"):
        assert live_in_process(runs_dir, run).outcome == "finished"
    plain, staged = (read_metrics(runs_dir, run) for run in ("plain", "staged"))
    pd.testing.assert_frame_equal(plain, staged)
