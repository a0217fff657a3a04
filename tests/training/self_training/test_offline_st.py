"""Offline-ST trained for real on a tiny model: what it samples, keeps, and begins with."""

import shutil
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from rft_core.paths import (
    get_checkpoint_dir,
    get_checkpoints_dir,
    get_initial_adapter_dir,
    get_rollouts_dir,
)
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import StoredGeneration, iterate_generations
from rft_core.store.run_reader import events_frame, open_run
from rft_core.store.run_writer import RunWriter
from rft_core.training.ending import AttemptEnding
from rft_core.training.self_training.offline_st import RecordedOfflineST
from rft_core.training.sft import Examples
from rft_core.training.stop import StopRequest
from rft_core.worker import live, read_assignment
from tests.tiny_run import add_tiny_run, live_in_process, make_tiny_prompts
from tests.training.test_methods import (
    LETTER,
    assert_same_run,
    make_gold_prompts,
    read_metrics,
)

NO_LETTER = RewardSet((RewardEntry("none", "regex", 1.0, {"pattern": "^[^a-zA-Z]*$"}),), "none")
RARE = RewardSet((RewardEntry("rare", "regex", 1.0, {"pattern": "[a-f]"}),), "rare")
IMPOSSIBLE = RewardSet((RewardEntry("never", "regex", 1.0, {"pattern": "(?!)"}),), "never")
SFT_FIRST = "sft 4 learning_rate=0.05; offline_st 6"


def read_train(runs_dir: Path, run_id: str, step: int) -> list[StoredGeneration]:
    with open_run(runs_dir, run_id) as db:
        return [g for g in iterate_generations(db) if (g.split, g.step) == ("train", step)]


def list_learned(generations: Sequence[StoredGeneration]) -> set[tuple[int, str]]:
    return {(g.prompt_id, g.completion.strip()) for g in generations if g.advantage == 1}


def name_rollouts(runs_dir: Path, run_id: str) -> str:
    (path,) = get_rollouts_dir(get_checkpoints_dir(runs_dir, run_id)).iterdir()
    return path.name


class StoppedWhileSampling(RunWriter):
    """A stop is asked for when the sampling has shown `times` signs of progress."""

    def __init__(self, runs_dir: Path, run_id: str, stop: StopRequest, times: int) -> None:
        super().__init__(runs_dir, run_id)
        self._stop, self._times = stop, times

    def set_progress(self, phase: str, detail: str = "", **more: Any) -> None:
        super().set_progress(phase, detail, **more)
        self._times -= phase == "sampling"
        if self._times == 0:
            self._stop.set()


def live_until_sampling(runs_dir: Path, run_id: str, times: int) -> AttemptEnding:
    stop = StopRequest()
    with closing(StoppedWhileSampling(runs_dir, run_id, stop, times)) as writer:
        return live(read_assignment(runs_dir, run_id), writer, stop)


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> list[range]:
    """The prompts of every portion that is really sampled."""
    portions: list[range] = []
    sample = RecordedOfflineST._sample_portion

    def watch(self: RecordedOfflineST, positions: range) -> Any:
        portions.append(positions)
        return sample(self, positions)

    monkeypatch.setattr(RecordedOfflineST, "_sample_portion", watch)
    return portions


def test_a_grader_that_flips_makes_what_is_learned_flip(tiny_model: Path, runs_dir: Path) -> None:
    learned = {}
    for rewards in (LETTER, NO_LETTER):
        add_tiny_run(
            runs_dir, tiny_model, rewards.name, method="offline_st", rewards=rewards,
            max_steps=1, eval_steps=0,
        )  # fmt: skip
        assert live_in_process(runs_dir, rewards.name).outcome == "finished"
        generations = read_train(runs_dir, rewards.name, 1)
        learned[rewards.name] = list_learned(generations)
        sampled = {(g.prompt_id, g.completion.strip()) for g in generations}
        assert len(generations) == 5 * 4
    letter, none = learned["letter"], learned["none"]
    assert letter and none and not letter & none and letter | none == sampled
    assert name_rollouts(runs_dir, "letter") != name_rollouts(runs_dir, "none")


def test_what_is_learned_are_right_completions_and_gold_of_training_prompts_alone(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[list[int], list[int]]] = []
    prompts: dict[str, list[list[int]]] = {}
    prepare = RecordedOfflineST.prepare

    def watch(self: RecordedOfflineST) -> None:
        prepare(self)
        made.extend((e["input_ids"], e["labels"]) for e in self.train_dataset)
        for split in ("train", "validation"):
            asked = self.parts.prompts.of(split)  # type: ignore[arg-type]
            prompts[split] = [list(p.token_ids) for p in asked]

    monkeypatch.setattr(RecordedOfflineST, "prepare", watch)
    add_tiny_run(
        runs_dir, tiny_model, method="offline_st", rewards=LETTER, max_steps=1, eval_steps=0,
        prompts=make_gold_prompts(), gold_column="gold",
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    learned = list_learned(read_train(runs_dir, "tiny", 1))
    assert len(made) == 5 + len(learned) > 5
    for ids, labels in made:
        asked = [token for token, label in zip(ids, labels, strict=True) if label == -100]
        assert asked in prompts["train"] and asked not in prompts["validation"]
        assert ids == asked + labels[len(asked) :]


def test_where_nothing_is_right_it_says_so_and_what_to_do(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, method="offline_st", rewards=IMPOSSIBLE)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "failed"
    assert "None of the 20 completions of 5 prompts is right" in ending.message
    assert "mean reward is 0" in ending.message and "stages=sft_offline_st" in ending.message


def test_it_samples_with_the_policy_that_sft_left_and_learns_from_a_fresh_adapter(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[Mapping[str, torch.Tensor]]] = defaultdict(list)

    def note(when: str, trainer: RecordedOfflineST) -> None:
        weights = trainer.model.named_parameters()
        adapter = {n.replace(".default", ""): p.clone() for n, p in weights if "lora_" in n}
        seen[when].append(adapter)

    sample, step = RecordedOfflineST._sample_portion, RecordedOfflineST.training_step

    def sample_watched(self: RecordedOfflineST, positions: range) -> Any:
        note("sampling", self)
        return sample(self, positions)

    def step_watched(self: RecordedOfflineST, *args: Any, **kwargs: Any) -> Any:
        if isinstance(self, RecordedOfflineST):
            note("training", self)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(RecordedOfflineST, "_sample_portion", sample_watched)
    monkeypatch.setattr(RecordedOfflineST, "training_step", step_watched)
    add_tiny_run(
        runs_dir, tiny_model, stages=SFT_FIRST, rewards=LETTER, eval_steps=0, save_steps=0,
        save_total_limit=9, warmup_steps=0, prompts=make_gold_prompts(), gold_column="gold",
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    left = load_file(get_checkpoint_dir(runs_dir, "tiny", 4) / "adapter_model.safetensors")
    for weights in seen["sampling"]:
        assert all(torch.equal(weights[name], left[name]) for name in left)
    first, second = seen["training"][:2]
    assert all(not w.any() for name, w in first.items() if "lora_B" in name)
    assert all(w.any() for name, w in first.items() if "lora_A" in name)
    assert any(w.any() for name, w in second.items() if "lora_B" in name)


def test_grpo_goes_on_from_what_self_training_left(tiny_model: Path, runs_dir: Path) -> None:
    stages = "offline_st 30 learning_rate=0.02; grpo 6 reference=stage_start beta=0.01"
    add_tiny_run(
        runs_dir, tiny_model, stages=stages, rewards=NO_LETTER, eval_steps=0, save_steps=0,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    base = read_train(runs_dir, "tiny", 1)
    warmed = [g for step in range(31, 37) for g in read_train(runs_dir, "tiny", step)]
    assert len(warmed) == 6 * 8 and all(g.advantage is not None for g in warmed)
    assert mean_reward(warmed) > mean_reward(base) + 0.2
    kl = read_metrics(runs_dir, "tiny")["kl"].dropna()
    assert abs(kl.iloc[0]) < 1e-4, "held to what the first stage left, and not to the base"


def mean_reward(generations: Sequence[StoredGeneration]) -> float:
    return statistics.fmean(g.reward or 0.0 for g in generations)


@pytest.mark.parametrize("stages", [SFT_FIRST, "offline_st 8"], ids=["after-sft", "alone"])
def test_stopped_while_it_samples_it_goes_on_there_and_ends_as_without_a_stop(
    tiny_model: Path, runs_dir: Path, sampled: list[range], stages: str
) -> None:
    for run in ("straight", "resumed"):
        add_tiny_run(
            runs_dir, tiny_model, run, stages=stages, rewards=LETTER, eval_steps=3, save_steps=0,
            prompts=make_gold_prompts(), gold_column="gold", lora_dropout=0.1,
        )  # fmt: skip
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    straight = list(sampled)
    sampled.clear()
    assert len(straight) == 3  # two prompts at a time, of five
    assert live_until_sampling(runs_dir, "resumed", times=3).outcome == "stopped"
    assert sampled == straight[:2]
    torch.manual_seed(4711)
    assert live_until_sampling(runs_dir, "resumed", times=1).outcome == "stopped"  # nothing sampled
    assert live_in_process(runs_dir, "resumed", stop_during=6).outcome == "stopped"
    assert sampled == straight
    torch.manual_seed(4712)
    assert live_in_process(runs_dir, "resumed").outcome == "finished"
    assert sampled == straight  # never twice
    assert_same_run(runs_dir, "straight", "resumed")


def test_a_fork_that_is_resumed_still_knows_the_policy_that_it_sampled_with(
    tiny_model: Path, runs_dir: Path, sampled: list[range]
) -> None:
    add_tiny_run(
        runs_dir, tiny_model, "parent", method="sft", max_steps=3, learning_rate=0.05,
        gold_column="question", rewards=None, save_steps=3,
    )  # fmt: skip
    assert live_in_process(runs_dir, "parent").outcome == "finished"
    for run in ("straight", "resumed"):
        add_tiny_run(
            runs_dir, tiny_model, run, method="offline_st", rewards=LETTER, parent=("parent", 3),
            eval_steps=0, save_steps=0,
        )  # fmt: skip
        own = get_initial_adapter_dir(runs_dir, run)
        shutil.copytree(get_checkpoint_dir(runs_dir, "parent", 3), own)
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    sampled.clear()
    for stop_during in (2, 0):
        live_in_process(runs_dir, "resumed", stop_during=stop_during)
    assert len(sampled) == 3
    assert_same_run(runs_dir, "straight", "resumed")


def test_its_control_learns_as_many_completions_and_other_ones(
    tiny_model: Path, runs_dir: Path
) -> None:
    learned = {}
    for selection in ("correct", "random"):
        add_tiny_run(
            runs_dir, tiny_model, selection, method="offline_st", rewards=LETTER,
            selection=selection, max_steps=1, eval_steps=0,
        )  # fmt: skip
        assert live_in_process(runs_dir, selection).outcome == "finished"
        learned[selection] = list_learned(read_train(runs_dir, selection, 1))
        metrics = read_metrics(runs_dir, selection).loc["train"]
        assert metrics["learned"][1] == len(learned[selection])
        with open_run(runs_dir, selection) as db:
            told = " ".join(events_frame(db)["message"])
        assert f"20 sampled completions {len(learned[selection])}" in told
    correct, random = learned["correct"], learned["random"]
    assert len(correct) == len(random) > 0 and correct != random
    assert name_rollouts(runs_dir, "correct") == name_rollouts(runs_dir, "random")


def test_it_learns_what_it_kept(tiny_model: Path, runs_dir: Path) -> None:
    """The loss falls, and of the completions of other prompts more are right, from the base on."""
    add_tiny_run(
        runs_dir, tiny_model, method="offline_st", rewards=RARE, max_steps=20, eval_steps=20,
        save_steps=0, num_generations_eval=32, per_device_eval_batch_size=96, num_generations=64,
        max_correct_per_prompt=64, per_device_train_batch_size=64, warmup_steps=0,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    metrics = read_metrics(runs_dir, "tiny")
    train, validation = metrics.loc["train"], metrics.loc["validation"]
    assert train["loss"].iloc[-1] < 0.8 * train["loss"].iloc[0]
    rewards = validation["reward"]
    noise = (sum(p * (1 - p) for p in rewards) / 96) ** 0.5
    assert rewards[20] - rewards[0] > max(0.2, 4 * noise), rewards


def test_prompts_without_gold_need_none_and_are_never_invented(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gold: list[int] = []
    find = Examples.find_gold

    def watch(self: Examples, position: int) -> Any:
        example = find(self, position)
        gold.append(position) if example else None
        return example

    monkeypatch.setattr(Examples, "find_gold", watch)
    add_tiny_run(
        runs_dir, tiny_model, method="offline_st", rewards=LETTER, max_steps=1, eval_steps=0,
        prompts=make_tiny_prompts(),
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    assert gold == []
