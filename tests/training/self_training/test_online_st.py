"""Online-ST trained for real on a tiny model: its loss by hand, its empty steps, its control."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rft_core.paths import get_checkpoint_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import events_frame, open_run
from rft_core.training.self_training.online_st import RecordedOnlineST
from tests.tiny_run import add_tiny_run, live_in_process
from tests.training.test_methods import LETTER, make_gold_prompts, read_adapter, read_metrics

RARE = RewardSet((RewardEntry("rare", "regex", 1.0, {"pattern": "[a-f]"}),), "rare")
IMPOSSIBLE = RewardSet((RewardEntry("never", "regex", 1.0, {"pattern": "(?!)"}),), "never")


def add_online_run(runs_dir: Path, model: Path, run_id: str = "tiny", **settings: Any) -> None:
    add_tiny_run(
        runs_dir, model, run_id, method="online_st", prompts=make_gold_prompts(),
        **{"gold_column": "gold", "rewards": LETTER, "eval_steps": 0, "save_steps": 0, **settings},
    )  # fmt: skip


def list_train(runs_dir: Path, run_id: str = "tiny") -> list[Any]:
    with open_run(runs_dir, run_id) as db:
        return [g for g in iterate_generations(db) if g.split == "train"]


def mean_nll(model: Any, examples: Sequence[dict[str, list[int]]]) -> float:
    """One example at a time, without padding and without TRL's head: the mean over all labels."""
    total, count = 0.0, 0
    for example in examples:
        logits = model(input_ids=torch.tensor([example["input_ids"]])).logits[0, :-1]
        for row, label in zip(logits.double().log_softmax(-1), example["labels"][1:], strict=True):
            if label != -100:
                total, count = total - float(row[label]), count + 1
    return total / count


class Watched:
    """What each step was given, by kind, and the loss by hand, before the update."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.examples: list[dict[str, list[dict[str, list[int]]]]] = []
        self.losses: list[float] = []
        portions = RecordedOnlineST._sample_portions
        collate = RecordedOnlineST._collate
        watched = self

        def sample_portions(trainer: RecordedOnlineST, *args: Any) -> Any:
            watched.examples.append({"fresh": [], "gold": []})
            yielded = list(portions(trainer, *args))
            share, loss = trainer.parts.config.gold_share, 0.0
            with torch.no_grad():
                for kind, weight in (("fresh", 1 - share), ("gold", share)):
                    if given := watched.examples[-1][kind]:
                        loss += weight * mean_nll(trainer.model, given)
            watched.losses.append(loss)
            yield from yielded

        def collate_watched(trainer: RecordedOnlineST, examples: Any) -> Any:
            for kind, example in examples:
                watched.examples[-1][kind].append(example)
            return collate(trainer, examples)

        monkeypatch.setattr(RecordedOnlineST, "_sample_portions", sample_portions)
        monkeypatch.setattr(RecordedOnlineST, "_collate", collate_watched)


@pytest.mark.parametrize(
    "settings",
    [
        {"gold_share": 0.3},
        {"gold_share": 0.5, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
        {"gold_share": 0.0},
        {"gold_share": 1.0},
        {"gold_share": 0.3, "rewards": IMPOSSIBLE},
    ],
    ids=["weighted", "accumulated", "the-prose", "gold-alone", "nothing-right"],
)
def test_the_loss_is_the_weighted_sum_of_both_likelihoods(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    watched = Watched(monkeypatch)
    add_online_run(runs_dir, tiny_model, max_steps=2, **settings)
    assert live_in_process(runs_dir).outcome == "finished"
    losses = read_metrics(runs_dir, "tiny").loc["train"]["loss"]
    assert list(losses) == pytest.approx(watched.losses, rel=2e-4)
    share = settings["gold_share"]
    for step, given in enumerate(watched.examples, start=1):
        generations = [g for g in list_train(runs_dir) if g.step == step]
        learned = {(g.prompt_id, g.completion.strip()) for g in generations if g.advantage == 1}
        assert all(g.reward == 1 for g in generations if g.advantage == 1)
        assert len(given["fresh"]) == (len(learned) if share < 1 else 0)
        assert len(given["gold"]) == (2 if share else 0)  # two prompts a step
        assert bool(learned) == ("rewards" not in settings)


def test_a_step_with_nothing_to_learn_changes_nothing_and_says_so(
    tiny_model: Path, runs_dir: Path
) -> None:
    """Not even by the momentum of the steps before it, nor by weight decay."""
    add_online_run(
        runs_dir, tiny_model, rewards=RARE, gold_share=0.0, per_device_train_batch_size=4,
        max_steps=10, save_steps=1, weight_decay=0.1,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    metrics = read_metrics(runs_dir, "tiny").loc["train"]
    learned = metrics["learned"]
    after_a_lesson = [s for s in range(2, 11) if learned[s] == 0 and learned[: s - 1].any()]
    assert after_a_lesson and learned.any(), "both kinds of steps, or this says nothing"
    for step in range(2, 11):
        before, after = (
            load_file(get_checkpoint_dir(runs_dir, "tiny", s) / "adapter_model.safetensors")
            for s in (step - 1, step)
        )
        is_same = all(torch.equal(before[name], after[name]) for name in before)
        assert is_same is bool(learned[step] == 0), step
        assert metrics["loss"].isna()[step] == (learned[step] == 0)
    with open_run(runs_dir, "tiny") as db:
        told = [m for m in events_frame(db)["message"] if "learned nothing" in m]
    first = min(s for s in learned.index if learned[s] == 0)
    assert len(told) == 1 and f"Step {first} learned nothing" in told[0]


def test_where_nothing_is_ever_right_the_policy_stays_as_it_was(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_online_run(runs_dir, tiny_model, rewards=IMPOSSIBLE, gold_share=0.0)
    assert live_in_process(runs_dir).outcome == "finished"
    adapter = read_adapter(runs_dir, "tiny")
    assert all(not weight.any() for name, weight in adapter.items() if "lora_B" in name)


def test_it_goes_on_from_what_sft_left_and_learns_of_training_prompts_alone(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    begun: list[dict[str, torch.Tensor]] = []
    prompts: dict[str, list[list[int]]] = {}
    sample = RecordedOnlineST._sample_batch

    def watch(self: RecordedOnlineST, positions: Sequence[int]) -> Any:
        weights = self.model.named_parameters()
        begun.append({n.replace(".default", ""): p.clone() for n, p in weights if "lora_" in n})
        for split in ("train", "validation"):
            asked = self.parts.prompts.of(split)  # type: ignore[arg-type]
            prompts[split] = [list(p.token_ids) for p in asked]
        return sample(self, positions)

    monkeypatch.setattr(RecordedOnlineST, "_sample_batch", watch)
    add_tiny_run(
        runs_dir, tiny_model, stages="sft 3 learning_rate=0.05; online_st 4", rewards=LETTER,
        prompts=make_gold_prompts(), gold_column="gold", eval_steps=0, save_steps=0,
        save_total_limit=9,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    left = load_file(get_checkpoint_dir(runs_dir, "tiny", 3) / "adapter_model.safetensors")
    assert all(torch.equal(begun[0][name], left[name]) for name in left)
    assert any(weight.any() for name, weight in left.items() if "lora_B" in name)
    learned = [example for step in watched.examples for kind in step.values() for example in kind]
    assert len(learned) > 8
    for example in learned:
        pairs = zip(example["input_ids"], example["labels"], strict=True)
        asked = [token for token, label in pairs if label == -100]
        assert asked in prompts["train"] and asked not in prompts["validation"]


def test_its_control_learns_as_many_of_the_same_completions(
    tiny_model: Path, runs_dir: Path
) -> None:
    """In the first step both sample alike: later ones are those of different policies."""
    chosen = {}
    for selection in ("correct", "random"):
        add_online_run(runs_dir, tiny_model, selection, selection=selection, max_steps=1)
        assert live_in_process(runs_dir, selection).outcome == "finished"
        generations = list_train(runs_dir, selection)
        chosen[selection] = [
            (g.group_index, g.completion.strip()) for g in generations if g.advantage == 1
        ]
        assert len(set(chosen[selection])) == len(chosen[selection]) > 0
        assert read_metrics(runs_dir, selection).loc["train"]["learned"][1] == len(
            chosen[selection]
        )
    correct, random = chosen["correct"], chosen["random"]
    assert correct != random
    for group in (0, 1):
        assert sum(g == group for g, _ in correct) == sum(g == group for g, _ in random)


def test_its_reward_rises_as_it_learns(tiny_model: Path, runs_dir: Path) -> None:
    """From its own right completions alone: no gold."""
    add_online_run(
        runs_dir, tiny_model, rewards=RARE, gold_share=0.0, max_steps=40,
        per_device_train_batch_size=32, num_generations=16,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    reward = read_metrics(runs_dir, "tiny").loc["train"]["reward"]
    early, late = reward.iloc[:5], reward.iloc[-5:]
    noise = (early.std() ** 2 / 5 + late.std() ** 2 / 5) ** 0.5
    assert late.mean() - early.mean() > max(0.25, 4 * noise), list(reward)
