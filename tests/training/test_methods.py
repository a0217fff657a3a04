"""Every method trained for real on a tiny model: stopped, resumed, and looked at in the store."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from rft_core.config import METHODS, RunConfig, get_method, make_config, trl_settings, uses
from rft_core.data.prompt_set import PromptSet, make_prompt_set
from rft_core.data.split import Split
from rft_core.data.template import PromptTemplate
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import get_adapter_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.store.generations import iterate_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.run_writer import RunWriter
from rft_core.store.runs import add_run
from rft_core.training.prompts import make_training_prompts
from rft_core.training.recorded import StageParts
from rft_core.training.recorder import Recorder
from rft_core.training.run_session import make_stage_trainer
from rft_core.training.stop import StopRequest
from tests.tiny_run import (
    TINY_REWARDS,
    TINY_SETTINGS,
    add_tiny_run,
    live_in_process,
    make_tiny_pairs,
    read_counts,
)

GOLD = "<think>as asked</think>\n<answer>{}</answer>"
LETTER = RewardSet((RewardEntry("letter", "regex", 1.0, {"pattern": "[a-zA-Z]"}),), "letter")
EXACT = RewardSet((RewardEntry("right", "exact_match"),), "exact")


def make_gold_prompts(num_train: int = 5, num_validation: int = 3) -> PromptSet:
    """Rows with their completion in the column `gold` and a chat in `messages`."""
    count = num_train + num_validation
    rows = [
        {
            "question": f"q{n}",
            "answer": str(n),
            "gold": GOLD.format(n),
            "messages": [
                {"role": "user", "content": f"q{n}"},
                {"role": "assistant", "content": GOLD.format(n)},
            ],
        }
        for n in range(count)
    ]
    split = Split(tuple(range(num_train)), tuple(range(num_train, count)), seed=0)
    template = PromptTemplate(system="", user="{{ question }}")
    return make_prompt_set(rows, name="gold", template=template, split=split)


def settings_of(method: str, **more: Any) -> dict[str, Any]:
    return {
        "method": method,
        **({"prompts": make_gold_prompts()} if "gold" in get_method(method).needs else {}),
        **({"pairs": make_tiny_pairs()} if "pairs" in get_method(method).needs else {}),
        **more,
    }


def read_metrics(runs_dir: Path, run_id: str) -> pd.DataFrame:
    """(split, step) x name, without what a clock says."""
    with open_run(runs_dir, run_id) as db:
        frame = metrics_frame(db)
    frame = frame[frame["name"] != "step_time"]
    return frame.pivot_table(index=["split", "step"], columns="name", values="value")


def read_adapter(runs_dir: Path, run_id: str) -> dict[str, torch.Tensor]:
    return load_file(get_adapter_dir(runs_dir, run_id) / "adapter_model.safetensors")


def read_texts(runs_dir: Path, run_id: str) -> list[tuple[Any, ...]]:
    with open_run(runs_dir, run_id) as db:
        return sorted(
            (g.split, g.step, g.group_index, g.sample_index, g.prompt_id, g.completion, g.reward)
            for g in iterate_generations(db)
        )


def assert_same_run(runs_dir: Path, one: str, other: str) -> None:
    metrics = [read_metrics(runs_dir, run) for run in (one, other)]
    pd.testing.assert_frame_equal(*metrics, rtol=0, atol=1e-6)
    assert read_texts(runs_dir, one) == read_texts(runs_dir, other)
    ours, theirs = (read_adapter(runs_dir, run) for run in (one, other))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


# What a resumed run must not lose: how it samples, what it masks, an optimizer with two states.
MANY: dict[str, Any] = {
    "num_iterations": 2, "loss_type": "cispo", "epsilon_high": 5, "entropy_coef": 0.01,
    "mask_truncated_completions": True, "top_entropy_quantile": 0.5, "min_p": 0.02,
    "repetition_penalty": 1.3, "stop_strings": ("e", "1", "th"), "optim": "adafactor",
    "generation_kwargs": {"min_new_tokens": 2, "no_repeat_ngram_size": 2}, "use_dora": True,
    "use_rslora": True, "modules_to_save": ("norm",), "max_completion_length": 12,
}  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        settings_of("rloo"),
        settings_of("rloo", num_iterations=2, eval_steps=3),
        settings_of("ppo", per_device_train_batch_size=4, gradient_accumulation_steps=2),
        settings_of("ppo", num_generations=1, num_iterations=1, missing_eos_penalty=0.5),
        settings_of("sft"),
        settings_of("sft", per_device_train_batch_size=4, gradient_accumulation_steps=2),
        settings_of("sft", lora_dropout=0.2, lr_scheduler_type="cosine", rewards=None),
        settings_of("grpo", **MANY),
        settings_of("offline_st", rewards=LETTER),
        settings_of("offline_st", rewards=LETTER, selection="random", lora_dropout=0.2),
        settings_of("online_st", rewards=LETTER, lora_dropout=0.2),
        settings_of(
            "online_st", rewards=LETTER, selection="random", gold_share=0.0,
            per_device_train_batch_size=4, gradient_accumulation_steps=2,
        ),
        settings_of("dpo"),
        settings_of("dpo", preference_loss="ipo", rewards=None, per_device_train_batch_size=4),
        settings_of("reward_model"),
    ],
    ids=[
        "rloo", "rloo-two-iterations", "ppo-two-epochs", "ppo-ungrouped",
        "sft", "sft-accumulated", "sft-dropout-no-rewards", "grpo-many",
        "offline-st", "offline-st-random", "online-st", "online-st-random-accumulated",
        "dpo", "dpo-ipo-no-rewards", "reward-model",
    ],
)  # fmt: skip
def test_a_stop_and_a_resume_change_nothing(
    tiny_model: Path, runs_dir: Path, settings: dict[str, Any]
) -> None:
    settings = {"max_steps": 12, "eval_steps": 4, "save_steps": 0, **settings}
    add_tiny_run(runs_dir, tiny_model, "straight", **settings)
    add_tiny_run(runs_dir, tiny_model, "resumed", **settings)
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    assert live_in_process(runs_dir, "resumed", stop_during=7).outcome == "stopped"
    torch.manual_seed(4711)
    assert live_in_process(runs_dir, "resumed").outcome == "finished"
    assert_same_run(runs_dir, "straight", "resumed")


def test_sft_learns_its_examples_and_shows_it_while_rewards_come_from_validation_alone(
    tiny_model: Path, runs_dir: Path
) -> None:
    settings = {"learning_rate": 0.05, "max_steps": 30, "eval_steps": 10, "save_steps": 0}
    add_tiny_run(
        runs_dir, tiny_model, **settings_of("sft", gold_column="answer", **settings), rewards=EXACT
    )
    assert live_in_process(runs_dir).outcome == "finished"
    metrics = read_metrics(runs_dir, "tiny")
    train, validation = metrics.loc["train"], metrics.loc["validation"]
    assert train["loss"].iloc[-1] < 0.5 * train["loss"].iloc[0]
    assert train["mean_token_accuracy"].iloc[-1] > train["mean_token_accuracy"].iloc[0]
    assert "reward" not in train.dropna(axis=1, how="all")
    assert validation["reward"].notna().all() and list(validation.index) == [0, 10, 20, 30]
    assert {split for split, _ in read_counts(runs_dir)} == {"validation"}
    for panel in get_method("sft").policy_panels:
        assert any((split, panel.metric) in seen(metrics) for split in ("train", "validation"))


def seen(metrics: pd.DataFrame) -> set[tuple[str, str]]:
    return {
        (split, name)
        for split in ("train", "validation")
        for name in metrics.loc[split].dropna(axis=1, how="all").columns
    }


@pytest.fixture
def make_parts(tiny_model: Path, runs_dir: Path) -> Any:
    opened: list[RunWriter] = []

    def make(prompt_set: PromptSet, gold: list[str | None], **settings: Any) -> StageParts:
        config = RunConfig(model=str(tiny_model), **{**TINY_SETTINGS, **settings})
        model, tokenizer = load_base(config.model, config.dtype)
        prompts = make_training_prompts(prompt_set, tokenizer)
        opened.append(writer := RunWriter(runs_dir, "tiny"))
        end = get_end_tokens(model, tokenizer)
        recorder = Recorder(writer, None, config, prompts, tokenizer, end_tokens=end)
        (plan,) = config.plan_stages()
        folder = runs_dir / "tiny" / "checkpoints"
        return StageParts(
            plan, model, tokenizer, prompts, recorder, StopRequest(), folder, gold=gold,
            pairs=make_tiny_pairs(),
        )  # fmt: skip

    yield make
    for writer in opened:
        writer.close()


def test_sft_reads_the_recorded_prompt_and_learns_the_completion_and_its_end_alone(
    make_parts: Any,
) -> None:
    prompt_set = make_gold_prompts()
    gold: list[str | None] = [row["gold"] for row in prompt_set.train_rows]
    gold[1] = None  # a row whose answer nobody knows is left out
    parts = make_parts(prompt_set, gold, method="sft")
    examples = make_stage_trainer(parts).train_dataset
    assert len(examples) == 4
    for example, position in zip(examples, (0, 2, 3, 4), strict=True):
        prompt = list(parts.prompts.train[position].token_ids)
        learned = [label for label in example["labels"] if label != -100]
        assert example["input_ids"] == prompt + learned
        assert parts.tokenizer.decode(learned) == f"{gold[position]}<|end|>"


@pytest.mark.parametrize("method", METHODS)
def test_every_setting_reaches_the_trainer_it_is_declared_for(make_parts: Any, method: str) -> None:
    """None is dropped in silence: what goes to TRL arrives there as it was set."""
    prompt_set = make_gold_prompts()
    changed: dict[str, Any] = {
        "num_generations": 2, "num_generations_eval": 2, "max_completion_length": 5,
        "temperature": 0.7, "top_p": 0.9, "top_k": 11, "learning_rate": 0.003, "beta": 0.02,
        "epsilon": 0.3, "epsilon_high": 0.4, "num_iterations": 2, "loss_type": "bnpo",
        "scale_rewards": "batch", "max_grad_norm": 0.5, "weight_decay": 0.01,
        "lr_scheduler_type": "linear", "warmup_steps": 3, "max_steps": 7,
        "per_device_train_batch_size": 4, "gradient_accumulation_steps": 2,
        "gradient_checkpointing": True, "per_device_eval_batch_size": 2, "seed": 5,
        "min_p": 0.05, "repetition_penalty": 1.2, "importance_sampling_level": "sequence",
        "mask_truncated_completions": True, "top_entropy_quantile": 0.4, "entropy_coef": 0.01,
        "optim": "sgd", "adam_beta1": 0.8, "adam_beta2": 0.95, "adam_epsilon": 1e-6,
        "label_smoothing": 0.1, "center_rewards_coefficient": 0.05,
        "vllm_mode": "server", "vllm_gpu_memory_utilization": 0.5, "vllm_max_model_length": 64,
    }  # fmt: skip
    declared = {name for m in METHODS.values() for name in trl_settings(m)}
    assert declared == set(changed), "a setting that goes to TRL must be tried here"
    defaults = RunConfig()
    assert all(getattr(defaults, name) != value for name, value in changed.items())
    used = {name: v for name, v in changed.items() if uses(get_method(method), name)}
    gold = [row["gold"] for row in prompt_set.train_rows]
    arguments = make_stage_trainer(make_parts(prompt_set, gold, method=method, **used)).args
    for name in trl_settings(get_method(method)):
        assert getattr(arguments, name) == changed[name], name


def test_rloo_stores_the_advantages_that_it_trains_on_with_kl_in_them(
    tiny_model: Path, runs_dir: Path
) -> None:
    for beta, is_seen in ((1e-6, False), (0.5, True)):
        run = f"beta-{beta}"
        add_tiny_run(runs_dir, tiny_model, run, method="rloo", beta=beta, max_steps=3)
        assert live_in_process(runs_dir, run).outcome == "finished"
        with open_run(runs_dir, run) as db:
            stored = [g for g in iterate_generations(db) if (g.split, g.step) == ("train", 3)]
        stored.sort(key=lambda g: (g.group_index, g.sample_index))
        without_kl = []
        for at in range(0, len(stored), 4):
            rewards = [float(g.reward or 0) for g in stored[at : at + 4]]
            without_kl += [r - (sum(rewards) - r) / 3 for r in rewards]
        advantages = [g.advantage for g in stored]
        assert any(advantages)
        assert (advantages != pytest.approx(without_kl, abs=1e-4)) is is_seen


def test_rewards_of_a_tiny_run_are_the_same_for_every_sampling_method_at_step_one(
    tiny_model: Path, runs_dir: Path
) -> None:
    """Same seed, same prompts, same adapter: the methods differ only in what they learn."""
    for method in ("grpo", "rloo"):
        add_tiny_run(runs_dir, tiny_model, method, method=method, max_steps=1, rewards=TINY_REWARDS)
        assert live_in_process(runs_dir, method).outcome == "finished"
    grpo, rloo = (read_texts(runs_dir, run) for run in ("grpo", "rloo"))
    assert [t for t in grpo if t[1] <= 1 and t[0] == "train"] == [
        t for t in rloo if t[1] <= 1 and t[0] == "train"
    ]


def test_what_sft_and_rloo_leave_is_exported_and_answers_as_in_training(
    tiny_model: Path, runs_dir: Path, tmp_path: Path
) -> None:
    from rft_core.export import export_run

    for method, rewards in (("rloo", TINY_REWARDS), ("sft", None)):
        settings = settings_of(method, max_steps=2, learning_rate=0.05)
        column = {"gold_column": "gold"} if method == "sft" else {}
        add_tiny_run(runs_dir, tiny_model, method, rewards=rewards, **settings, **column)
        assert live_in_process(runs_dir, method).outcome == "finished"
        export_run(runs_dir, method, to=tmp_path / method)
        exported = load_file(tmp_path / method / "adapter_model.safetensors")
        trained = read_adapter(runs_dir, method)
        assert all(torch.equal(exported[name], trained[name]) for name in trained)
        assert f"method: {method}" in (tmp_path / method / "config.yaml").read_text()


@pytest.mark.parametrize("reasoning", [True, False])
def test_sft_learns_what_the_task_writes_with_its_reasoning_or_without(
    runs_dir: Path, reasoning: bool
) -> None:
    config = make_config(
        {
            "task": "countdown", "method": "sft", "gold_reasoning": reasoning, "num_prompts": 64,
            "num_validation_prompts": 8, "per_device_train_batch_size": 16, "max_steps": 20,
            "eval_steps": 20, "save_steps": 0, "learning_rate": 0.01,
        }
    )  # fmt: skip
    with open_index(runs_dir) as index:
        add_run(index, id="gold", config=pin_sets(index, config))
    assert live_in_process(runs_dir, "gold").outcome == "finished"
    with open_run(runs_dir, "gold") as db:
        texts = {step: [] for step in (0, 20)}
        for generation in iterate_generations(db):
            texts[generation.step].append(generation.completion)
    thinks = {s: sum("<think>" in text for text in texts[s]) / len(texts[s]) for s in texts}
    assert thinks[0] > 0.5  # the base does
    assert (thinks[20] > 0.5) is reasoning
