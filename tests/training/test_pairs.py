"""DPO and reward models trained for real on a tiny model: what they learn, keep and leave."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from rft_core.config import RunConfig
from rft_core.data.pair_set import Pair, PairSet, make_pair_set
from rft_core.errors import BadInputError, NotFoundError
from rft_core.jobs.launcher import fork
from rft_core.paths import (
    SCORE_HEAD_FILE,
    get_adapter_dir,
    get_checkpoint_dir,
)
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.reward_model import RewardModel, Scale, ScoreHead, load_head, save_head
from rft_core.store.adapters import get_adapter, get_reward_model, list_adapters
from rft_core.training.pairs.pairwise import Pairwise
from rft_core.training.prompts import make_training_prompts
from rft_core.training.recorded import StageParts
from rft_core.training.recorder import Recorder
from rft_core.training.run_session import make_stage_trainer
from rft_core.training.run_sink import SilentSink
from rft_core.training.saving.checkpoints import find_damage, prune_checkpoints
from rft_core.training.stop import StopRequest
from tests.tiny_run import (
    TINY_SETTINGS,
    add_tiny_run,
    live_in_process,
    make_tiny_pairs,
    make_tiny_prompts,
)
from tests.training.test_methods import read_metrics

MakeTrainer = Callable[..., Pairwise]


@pytest.fixture
def make_trainer(tiny_model: Path, tmp_path: Path) -> Iterator[MakeTrainer]:
    def make(method: str, pairs: PairSet, **settings: Any) -> Pairwise:
        chosen = {"method": method, "warmup_steps": 0, **settings}
        config = RunConfig(model=str(tiny_model), **{**TINY_SETTINGS, **chosen})
        model, tokenizer = load_base(config.model)
        prompts = make_training_prompts(make_tiny_prompts(), tokenizer)
        end = get_end_tokens(model, tokenizer)
        recorder = Recorder(SilentSink(), None, config, prompts, tokenizer, end_tokens=end)
        (plan,) = config.plan_stages()
        trainer = make_stage_trainer(
            StageParts(
                plan, model, tokenizer, prompts, recorder, StopRequest(), tmp_path, pairs=pairs
            )
        )
        assert isinstance(trainer, Pairwise)
        return trainer

    yield make


def swap(pairs: PairSet) -> PairSet:
    turned = [replace(p, chosen=p.rejected, rejected=p.chosen) for p in pairs.pairs]
    return replace(pairs, pairs=tuple(turned))


def make_batch(trainer: Pairwise) -> dict[str, torch.Tensor]:
    items = [trainer.train_dataset[at] for at in range(4)]
    return dict(trainer.data_collator(items))


def measure_gradient(trainer: Pairwise) -> tuple[float, dict[str, torch.Tensor]]:
    trainer.model.train()
    loss = trainer.compute_loss(trainer.model, make_batch(trainer))
    loss.backward()
    named = trainer.model.named_parameters()
    return loss.item(), {name: p.grad for name, p in named if p.grad is not None}


@pytest.mark.parametrize("method", ["dpo", "reward_model"])
def test_the_first_loss_is_log_two_and_swapped_answers_turn_its_gradient_around(
    make_trainer: MakeTrainer, method: str
) -> None:
    pairs = make_tiny_pairs()
    loss, gradient = measure_gradient(make_trainer(method, pairs))
    other_loss, turned = measure_gradient(make_trainer(method, swap(pairs)))
    assert loss == pytest.approx(math.log(2), abs=1e-6) == other_loss
    assert gradient.keys() == turned.keys()
    assert any(float(g.abs().max()) > 1e-3 for g in gradient.values())
    for name, values in gradient.items():
        torch.testing.assert_close(values, -turned[name], rtol=1e-4, atol=1e-7)


def test_dpo_judges_held_out_pairs_by_the_rewards_of_its_own_loss(
    make_trainer: MakeTrainer,
) -> None:
    trainer = make_trainer("dpo", make_tiny_pairs(), beta=0.3, learning_rate=0.05, max_steps=2)
    trainer.train()
    trainer.model.train(False)
    trainer._metrics["eval"].clear()
    batch = make_batch(trainer)
    with torch.no_grad():
        trainer.compute_loss(trainer.model, dict(batch))
        chosen, rejected = trainer.score_answers(batch)
    for name, ours in (("rewards/chosen", chosen), ("rewards/rejected", rejected)):
        (theirs,) = trainer._metrics["eval"][name]
        assert float(ours.mean()) == pytest.approx(theirs, abs=1e-5)
        assert abs(theirs) > 1e-3


@pytest.mark.parametrize("method", ["dpo", "reward_model"])
def test_it_learns_an_order_that_holds_for_prompts_it_has_never_seen(
    tiny_model: Path, runs_dir: Path, method: str
) -> None:
    pairs = make_tiny_pairs(24)
    add_tiny_run(
        runs_dir, tiny_model, method=method, pairs=pairs, learning_rate=0.02, max_steps=16,
        eval_steps=8, save_steps=0, rewards=None,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    metrics = read_metrics(runs_dir, "tiny")
    train, held_out = metrics.loc["train"], metrics.loc["validation"]
    assert train["loss"].iloc[-1] < 0.5 * train["loss"].iloc[0]
    assert train["pairs/margin"].iloc[-1] > 1 > abs(train["pairs/margin"].iloc[0])
    assert held_out.loc[0, "pairs/accuracy"] == 0.5  # nothing is preferred yet
    assert held_out.loc[16, "pairs/accuracy_low"] > 0.5
    assert held_out.loc[16, "pairs/longer_wins"] == 0.0  # short answers are preferred here
    assert not [name for name in metrics.columns if name.startswith("rewards/")]


def test_the_pairs_of_one_ranking_are_one_item_and_any_other_pair_stands_alone(
    make_trainer: MakeTrainer,
) -> None:
    prompt = [{"role": "user", "content": "p"}]
    ranked = [Pair(prompt, a, b, group="r1") for a, b in ("ab", "ac", "bc")]
    others = [Pair([{"role": "user", "content": f"q{n}"}], "a", "b") for n in range(3)]
    pairs = make_pair_set("ranked", [*ranked, *others], validation_share=0.0)
    trainer = make_trainer("reward_model", pairs, per_device_train_batch_size=2)
    sizes = sorted(len(item["pairs"]) for item in trainer.train_dataset)
    assert sizes == [1, 1, 1, 3]
    ranking = [item for item in trainer.train_dataset if len(item["pairs"]) > 1]
    whole = trainer.data_collator(ranking)
    assert whole["input_ids"].shape[0] == 6  # three chosen, then three rejected


@pytest.fixture(scope="module")
def reward_run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a finished reward model in it: run "rm"."""
    runs_dir = tmp_path_factory.mktemp("reward-runs")
    add_tiny_run(
        runs_dir, tiny_model, "rm", method="reward_model", pairs=make_tiny_pairs(24),
        learning_rate=0.02, max_steps=12, eval_steps=0, save_steps=4, rewards=None,
    )  # fmt: skip
    assert live_in_process(runs_dir, "rm").outcome == "finished"
    return runs_dir


def test_the_head_moves_and_is_kept_with_its_scale_beside_a_plain_adapter(
    tiny_model: Path, reward_run: Path
) -> None:
    checkpoints = [get_checkpoint_dir(reward_run, "rm", step) for step in (4, 8, 12)]
    heads = [load_file(folder / SCORE_HEAD_FILE) for folder in checkpoints]
    assert float(heads[0]["weight"].abs().max()) > 0
    assert not torch.equal(heads[0]["weight"], heads[1]["weight"])
    finished = load_file(get_adapter_dir(reward_run, "rm") / SCORE_HEAD_FILE)
    assert all(torch.equal(finished[name], heads[2][name]) for name in finished)
    assert float(finished["std"]) not in (0.0, 1.0)
    saved = load_file(checkpoints[2] / "adapter_model.safetensors")
    assert saved and all("lora_" in name for name in saved)
    plain = PeftModel.from_pretrained(load_base(str(tiny_model))[0], str(checkpoints[2]))
    loaded = {name: p for name, p in plain.named_parameters() if "lora_B" in name}
    assert loaded and all(float(p.detach().abs().max()) > 0 for p in loaded.values())


def test_an_old_checkpoint_that_was_reduced_to_its_adapter_can_still_score(
    reward_run: Path,
) -> None:
    oldest = get_checkpoint_dir(reward_run, "rm", 4)  # two newer ones are kept whole
    assert not (oldest / "optimizer.pt").exists() and not find_damage(oldest)
    prune_checkpoints(oldest.parent, keep=2)
    scores = RewardModel.load(oldest).score(
        [[{"role": "user", "content": "p1"}]] * 2, ["a1", "b1 and so on"]
    )
    assert scores[0] > scores[1]


def test_scores_are_distances_from_the_mean_of_the_training_pairs_in_their_spread(
    reward_run: Path,
) -> None:
    model = RewardModel.load(get_adapter_dir(reward_run, "rm"))
    train = make_tiny_pairs(24).train_pairs
    messages = [pair.messages for pair in train] * 2
    scores = model.score(messages, [p.chosen for p in train] + [p.rejected for p in train])
    assert sum(scores) / len(scores) == pytest.approx(0, abs=1e-3)
    assert float(torch.tensor(scores).std()) == pytest.approx(1, abs=1e-3)
    assert min(scores[: len(train)]) > max(scores[len(train) :])
    alone = model.score(messages[:1], [train[0].chosen])  # without the padding of a batch
    assert alone[0] == pytest.approx(scores[0], abs=1e-4)


def test_a_reward_model_is_never_offered_as_a_policy(reward_run: Path) -> None:
    assert list_adapters(reward_run, "rm") == []
    with pytest.raises(NotFoundError, match="reward model"):
        get_adapter(reward_run, "rm")
    assert get_reward_model(reward_run, "rm").step == 12
    assert get_reward_model(reward_run, "rm", 8).step == 8
    with pytest.raises(NotFoundError, match="step 8, step 4"):
        get_reward_model(reward_run, "rm", 5)


def test_a_head_and_its_scale_come_back_as_they_were_written(tmp_path: Path) -> None:
    head, other = ScoreHead(5), ScoreHead(5)
    with torch.no_grad():
        head.weight.copy_(torch.arange(5.0))
    save_head(tmp_path, head, Scale(0.25, 3.0), torch.float32)
    assert load_head(tmp_path, other) == Scale(0.25, 3.0)
    assert torch.equal(head.weight, other.weight)


def test_no_policy_begins_with_a_reward_model_by_a_fork(reward_run: Path) -> None:
    with pytest.raises(BadInputError, match="is a reward model"):
        fork(reward_run, "rm", step=8, changes={"method": "grpo", "task": "countdown"})
