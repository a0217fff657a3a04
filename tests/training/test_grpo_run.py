"""Real trainings of a tiny model, looked at through what they left in the store and on disk."""

import json
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from rft_core.paths import get_adapter_dir, get_checkpoint_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import iterate_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import (
    events_frame,
    last_metrics,
    list_attempts,
    list_checkpoints,
    metrics_frame,
    open_run,
)
from rft_core.store.sets import ensure_set
from tests.tiny_run import add_tiny_run, expected_counts, live_in_process, read_counts

CLOCKS = ("step_time",)


def read_metrics(runs_dir: Path, run_id: str) -> pd.DataFrame:
    """(split, step) x name, without what a clock says."""
    with open_run(runs_dir, run_id) as db:
        frame = metrics_frame(db)
    frame = frame[~frame["name"].isin(CLOCKS)]
    return frame.pivot_table(index=["split", "step"], columns="name", values="value")


def read_generations(runs_dir: Path, run_id: str) -> list[tuple]:
    with open_run(runs_dir, run_id) as db:
        return sorted(
            (g.split, g.step, g.group_index, g.sample_index, g.prompt_id, g.completion, g.reward)
            for g in iterate_generations(db)
        )


def test_a_run_trains_records_everything_and_leaves_an_adapter(
    tiny_model: Path, runs_dir: Path
) -> None:
    config = add_tiny_run(runs_dir, tiny_model)
    assert live_in_process(runs_dir).outcome == "finished"
    assert read_counts(runs_dir) == expected_counts(config)
    with open_run(runs_dir, "tiny") as db:
        assert [a.outcome for a in list_attempts(db)] == ["finished"]
        assert [c.step for c in list_checkpoints(db)] == [2, 4]
        train, validation = last_metrics(db), last_metrics(db, "validation")
    both = {"reward", "reward_std", "completions/mean_length", "completions/clipped_ratio"}
    both |= {f"rewards/{name}/{what}" for name in ("short", "letter", "watched")
             for what in ("mean", "std", "unscored")}  # fmt: skip
    assert both | {"flagged"} <= set(validation)
    more = {"kl", "entropy", "loss", "grad_norm", "learning_rate", "step_time"}
    more |= {"frac_reward_zero_std", "clip_ratio/region_mean", "flagged"}
    assert both | more <= set(train)
    saved = json.loads((get_adapter_dir(runs_dir, "tiny") / "adapter_config.json").read_text())
    assert saved["base_model_name_or_path"] == config.model


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"num_iterations": 2, "eval_steps": 3},
        {
            "per_device_train_batch_size": 4,
            "gradient_accumulation_steps": 2,
            "gradient_checkpointing": True,
        },
        {"lora_dropout": 0.2, "loss_type": "dapo", "lr_scheduler_type": "cosine"},
    ],
    ids=["plain", "two-iterations", "accumulated", "dropout"],
)
def test_twenty_steps_equal_ten_and_a_stop_and_ten_more(
    tiny_model: Path, runs_dir: Path, settings: dict
) -> None:
    settings = {"max_steps": 20, "eval_steps": 5, "save_steps": 0, **settings}
    stop_during = 11 if settings.get("num_iterations") else 10
    add_tiny_run(runs_dir, tiny_model, "straight", **settings)
    add_tiny_run(runs_dir, tiny_model, "resumed", **settings)
    assert live_in_process(runs_dir, "straight").outcome == "finished"

    first = live_in_process(runs_dir, "resumed", stop_during=stop_during)
    assert first.outcome == "stopped"
    assert str(stop_during) in first.message
    torch.manual_seed(12345)  # whatever this process's random state is, it must not matter
    assert live_in_process(runs_dir, "resumed").outcome == "finished"

    straight, resumed = (read_metrics(runs_dir, run) for run in ("straight", "resumed"))
    pd.testing.assert_frame_equal(straight, resumed, rtol=0, atol=1e-6)
    assert read_generations(runs_dir, "straight") == read_generations(runs_dir, "resumed")
    ours, theirs = (
        load_file(get_adapter_dir(runs_dir, run) / "adapter_model.safetensors")
        for run in ("straight", "resumed")
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_how_often_one_validates_does_not_change_training(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, "often", eval_steps=1)
    add_tiny_run(runs_dir, tiny_model, "never", eval_steps=0)
    live_in_process(runs_dir, "often")
    live_in_process(runs_dir, "never")
    often, never = (read_metrics(runs_dir, run).loc["train"] for run in ("often", "never"))
    pd.testing.assert_frame_equal(often.reindex(columns=never.columns), never)
    assert "validation" not in read_metrics(runs_dir, "never").index


def test_the_first_step_is_at_the_reference_and_later_ones_leave_it(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model)
    live_in_process(runs_dir)
    kl = read_metrics(runs_dir, "tiny").loc["train"]["kl"]
    assert abs(kl[1]) < 1e-6
    assert kl[4] > 1e-4


def test_a_fork_starts_from_its_parents_policy_with_the_base_as_reference(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, "parent")
    live_in_process(runs_dir, "parent")
    add_tiny_run(runs_dir, tiny_model, "fork", parent=("parent", 2), max_steps=2, warmup_steps=9)
    assert live_in_process(runs_dir, "fork").outcome == "finished"
    parent, fork = (read_metrics(runs_dir, run) for run in ("parent", "fork"))
    # Same policy, same seeded validation: the same scores as the parent's at that step.
    at_fork = parent.loc[("validation", 2)].dropna()
    pd.testing.assert_series_equal(at_fork, fork.loc[("validation", 0)].dropna(), check_names=False)
    assert fork.loc[("train", 1)]["kl"] > 1e-5  # measured to the base, not to the parent


def test_a_fork_with_another_rank_fails_and_says_what_to_set(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, "parent")
    live_in_process(runs_dir, "parent")
    add_tiny_run(runs_dir, tiny_model, "fork", parent=("parent", 2), lora_r=2)
    ending = live_in_process(runs_dir, "fork")
    assert ending.outcome == "failed"
    assert "Set lora_r=4" in ending.message


def test_a_step_that_nothing_could_score_pauses_the_run(tiny_model: Path, runs_dir: Path) -> None:
    source = (
        "def judge(completions, trainer_state=None, **kwargs):\n"
        "    return [None for _ in completions]\n"
    )
    rewards = RewardSet(
        (
            RewardEntry("judge", "python", 1.0, source=source),
            RewardEntry("watched", "length", 0.0, {"target": 3}),
        ),
        "unscorable",
    )
    config = add_tiny_run(runs_dir, tiny_model, rewards=rewards)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "needs_attention"
    assert "resume" in ending.message
    counts = read_counts(runs_dir)
    assert counts[("train", 1)] == config.generation_batch_size
    assert ("train", 2) not in counts
    assert get_checkpoint_dir(runs_dir, "tiny", 1).is_dir()
    with open_run(runs_dir, "tiny") as db:
        metrics = last_metrics(db)
        generation = next(iterate_generations(db))
    assert metrics["rewards/judge/unscored"] == 1.0
    assert "reward" not in metrics
    assert generation.reward is None
    assert generation.scores["watched"] is not None


def test_a_reward_that_breaks_its_contract_is_told_once_with_the_sample(
    tiny_model: Path, runs_dir: Path
) -> None:
    source = (
        "def picky(completions, **kwargs):\n"
        "    return [float('nan') if i == 3 else 1.0 for i, _ in enumerate(completions)]\n"
    )
    rewards = RewardSet(
        (RewardEntry("picky", "python", source=source), RewardEntry("short", "length")), "nan"
    )
    add_tiny_run(runs_dir, tiny_model, rewards=rewards, eval_steps=0)
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        errors = events_frame(db).query("kind == 'reward_error'")
    assert len(errors) == 1
    assert "picky" in errors.iloc[0]["message"]
    assert "sample 3" in errors.iloc[0]["message"]


def test_a_run_keeps_the_rewards_that_it_was_launched_with(
    tiny_model: Path, runs_dir: Path
) -> None:
    """An edit makes another version of the set; it is for the runs to come."""
    source = "def judge(completions, **kwargs):\n    return [{} for _ in completions]\n"
    first, second = (
        RewardSet((RewardEntry("judge", "python", source=source.format(paid)),), "tiny")
        for paid in (1.0, 2.0)
    )
    add_tiny_run(runs_dir, tiny_model, rewards=first, max_steps=2)
    with open_index(runs_dir) as index:
        content = second.to_json()
        assert ensure_set(index, "rewards", id=second.id, name="tiny", content=content) == 2
    assert live_in_process(runs_dir).outcome == "finished"
    assert {reward for *_, reward in read_generations(runs_dir, "tiny")} == {1.0}


def test_a_prompt_too_long_for_the_model_is_named_before_training(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, max_completion_length=511)
    ending = live_in_process(runs_dir)
    assert ending.outcome == "failed"
    assert "max_completion_length" in ending.message


def test_a_finished_run_whose_last_words_were_lost_is_finished_again_without_training(
    tiny_model: Path, runs_dir: Path
) -> None:
    config = add_tiny_run(runs_dir, tiny_model)
    live_in_process(runs_dir)
    adapter = get_adapter_dir(runs_dir, "tiny") / "adapter_model.safetensors"
    before = load_file(adapter)
    adapter.unlink()
    assert live_in_process(runs_dir).outcome == "finished"
    after = load_file(adapter)
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert read_counts(runs_dir) == expected_counts(config)


TALKATIVE = """
def talkative(completions, log_metric, **columns):
    print("scoring", len(completions))
    log_metric("batch", len(completions))
    log_metric("mean", 99.0)
    return [1.0] * len(completions)
"""


def test_what_a_function_measures_and_prints_is_kept(tiny_model: Path, runs_dir: Path) -> None:
    rewards = RewardSet((RewardEntry("talkative", "python", source=TALKATIVE),), "talk")
    add_tiny_run(runs_dir, tiny_model, rewards=rewards, max_steps=2)
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        train, events = last_metrics(db), events_frame(db)
    assert train["rewards/talkative/batch"] == 8
    assert train["rewards/talkative/mean"] == 1.0  # ours wins
    printed = events[events["kind"] == "reward_output"]
    assert list(printed["message"]) == ["talkative printed: scoring 3"]  # the first validation only


def test_a_run_records_the_tier_that_its_code_was_locked_in_by(
    tiny_model: Path, runs_dir: Path
) -> None:
    coded = "def nice(completions, **kwargs):\n    return [float(len(c)) for c in completions]\n"
    with_code = RewardSet((RewardEntry("nice", "python", source=coded),), "with code")
    add_tiny_run(runs_dir, tiny_model, "coded", rewards=with_code, max_steps=1)
    built_in = RewardSet((RewardEntry("short", "length", 1.0, {"target": 3}),), "built in")
    add_tiny_run(runs_dir, tiny_model, "built-in", rewards=built_in, max_steps=1)
    tiers = []
    for run in ("coded", "built-in"):
        live_in_process(runs_dir, run)
        with open_run(runs_dir, run) as db:
            tiers.append(list_attempts(db)[-1].sandbox_tier)
    assert tiers[0] in ("A", "B", "C")
    assert tiers[1] is None
