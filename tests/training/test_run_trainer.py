"""The trainer itself, beside what TRL computes for its own logs."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.config import RunConfig
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import RunWriter
from rft_core.training.grpo import RecordedGRPO, make_trainer
from rft_core.training.prompts import make_training_prompts
from rft_core.training.recorded import StageParts
from rft_core.training.recorder import Recorder
from rft_core.training.stop import StopRequest
from tests.tiny_run import TINY_REWARDS, TINY_SETTINGS, make_tiny_prompts

SOMETIMES_UNSURE = (
    "def unsure(completions, **kwargs):\n"
    "    return [None if len(c) % 2 else len(set(c)) / 6 for c in completions]\n"
)
MIXED_REWARDS = RewardSet(
    (
        RewardEntry("unsure", "python", 1.0, source=SOMETIMES_UNSURE),
        RewardEntry("watched", "length", 0.0, {"target": 3}),
    ),
    "mixed",
)


@dataclass
class Bench:
    """A trainer over a fresh database, and what TRL logged for each step of it."""

    trainer: RecordedGRPO
    runs_dir: Path
    advantages: list[list[float]]
    logs: list[dict[str, Any]]

    def read_train_generations(self) -> list[Any]:
        with open_run(self.runs_dir, "tiny") as db:
            return [g for g in iterate_generations(db) if g.split == "train"]


@pytest.fixture
def make_bench(tiny_model: Path, runs_dir: Path) -> Iterator[Any]:
    opened: list[Any] = []

    def make(rewards: RewardSet = TINY_REWARDS, **settings: Any) -> Bench:
        config = RunConfig(model=str(tiny_model), **{**TINY_SETTINGS, **settings})
        model, tokenizer = load_base(config.model, config.dtype)
        prompts = make_training_prompts(make_tiny_prompts(), tokenizer)
        writer, scorer = RunWriter(runs_dir, "tiny"), Scorer(rewards)
        opened.extend([writer, scorer])
        writer.start_attempt(from_step=0, pid=1)
        end_tokens = get_end_tokens(model, tokenizer)
        recorder = Recorder(writer, scorer, config, prompts, tokenizer, end_tokens=end_tokens)
        (plan,) = config.plan_stages()
        checkpoints = runs_dir / "tiny" / "checkpoints"
        trainer = make_trainer(
            StageParts(plan, model, tokenizer, prompts, recorder, StopRequest(), checkpoints)
        )
        bench = Bench(trainer, runs_dir, [], [])
        record = recorder.record_train_step

        def listen(step: int, logs: dict[str, Any]) -> None:
            bench.advantages.append(list(trainer._logs["advantages"]))
            bench.logs.append(dict(logs))
            record(step, logs)

        recorder.record_train_step = listen  # type: ignore[method-assign]
        return bench

    yield make
    for resource in opened:
        resource.close()


@pytest.mark.parametrize("scale_rewards", ["group", "batch", "none"])
@pytest.mark.parametrize("rewards", [TINY_REWARDS, MIXED_REWARDS], ids=lambda r: r.name)
def test_stored_advantages_are_those_that_trl_trained_on(
    make_bench: Any, scale_rewards: str, rewards: RewardSet
) -> None:
    bench = make_bench(rewards, scale_rewards=scale_rewards)
    bench.trainer.train()
    stored = bench.read_train_generations()
    assert len(stored) == 4 * 8
    for step in range(1, 5):
        ours = [g.advantage for g in stored if g.step == step]
        assert ours == pytest.approx(bench.advantages[step - 1], abs=1e-4)
    assert any(g.advantage for g in stored)


def test_stored_metrics_are_trls_own(make_bench: Any) -> None:
    # With this seed no completion is cut right after a padding token, which TRL takes for an end.
    bench = make_bench(seed=1)
    bench.trainer.train()
    with open_run(bench.runs_dir, "tiny") as db:
        frame = metrics_frame(db)
    for step, logs in enumerate(bench.logs, start=1):
        of_step = frame[(frame["split"] == "train") & (frame["step"] == step)]
        stored = dict(zip(of_step["name"], of_step["value"], strict=True))
        ours = ("epoch", "rewards/total/mean", "rewards/total/std")  # TRL knows the total alone
        compared = {name: value for name, value in logs.items() if name not in ours}
        assert {name: stored[name] for name in compared} == pytest.approx(compared, abs=1e-6)


def test_training_moves_the_adapter_and_nothing_else(make_bench: Any) -> None:
    trainer = make_bench().trainer
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    trainer.train()
    moved = {n for n, p in trainer.model.named_parameters() if not torch.equal(p, before[n])}
    assert moved
    assert all("lora_" in name for name in moved)
    assert {n for n, p in trainer.model.named_parameters() if p.requires_grad} == {
        name for name in before if "lora_" in name
    }


def test_sampling_from_merged_weights_says_what_the_adapter_says(make_bench: Any) -> None:
    trainer = make_bench(temperature=0.001, max_completion_length=16).trainer
    for name, weight in trainer.model.named_parameters():
        if "lora_B" in name:  # zero at first, which would be no adapter at all
            torch.nn.init.normal_(weight, std=0.2)
    trainer.model.train()
    prompts = [[65, 66, 67]] * 4
    merged, _ = trainer._generate_single_turn(prompts, None, {}, 4)
    plain, _ = super(RecordedGRPO, trainer)._generate_single_turn(prompts, None, {}, 4)
    with trainer.model.disable_adapter():
        base, _ = super(RecordedGRPO, trainer)._generate_single_turn(prompts, None, {}, 4)
    assert merged == plain
    assert merged != base  # or the comparison would say nothing


def test_two_ranks_seeded_alike_do_not_sample_the_same(make_bench: Any) -> None:
    trainer = make_bench(max_completion_length=16).trainer

    def sample(rank: int) -> list[list[int]]:
        torch.manual_seed(0)
        trainer.accelerator.state._shared_state["process_index"] = rank
        try:
            return trainer._generate_single_turn([[65, 66, 67]] * 4, None, {}, 4)[0]
        finally:
            trainer.accelerator.state._shared_state["process_index"] = 0

    first, second = sample(0), sample(1)
    assert first == sample(0)
    assert not {tuple(ids) for ids in first} & {tuple(ids) for ids in second}


def test_what_ends_a_completion_is_what_trl_thinks(make_bench: Any) -> None:
    trainer = make_bench().trainer
    theirs = set(trainer.eos_token_ids)
    assert get_end_tokens(trainer.model, trainer.processing_class) == theirs


def test_a_bfloat16_model_trains_too(make_bench: Any) -> None:
    bench = make_bench(dtype="bfloat16", max_steps=2)
    bench.trainer.train()
    assert len(bench.read_train_generations()) == 2 * 8
