"""What self-training needs is looked at before anything loads, and what it costs is said."""

from pathlib import Path
from typing import Any

import pytest

from rft_core.config import RECIPES, RunConfig, get_method, make_config
from rft_core.jobs.checks import list_problems
from rft_core.planning import estimate
from rft_core.planning.estimate import disk_bytes


def list_told(runs_dir: Path, **values: Any) -> list[str]:
    return [f"{p.where}: {p.what}" for p in list_problems(runs_dir, make_config(values))]


@pytest.fixture
def without_gold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Countdown as a task whose answers nobody has written."""
    from rft_core.tasks import TASKS, gold

    silent = {name: task for name, task in TASKS.items() if name != "countdown"}
    monkeypatch.setattr(gold, "TASKS", silent)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_can_start_on_the_built_in_task(tmp_path: Path, name: str) -> None:
    """Those that begin with preferences lack nothing else."""
    needs_pairs = any("pairs" in method.needs for method in make_config({"stages": name}).methods)
    told = list_told(tmp_path, stages=name)
    assert [text.partition(":")[0] for text in told] == ["pair_set"] * needs_pairs


def test_gold_is_needed_by_its_share_of_the_loss_alone(tmp_path: Path, without_gold: None) -> None:
    (told,) = list_told(tmp_path, method="online_st")
    assert "no gold completion to learn from" in told
    assert list_told(tmp_path, method="online_st", gold_share=0) == []
    assert list_told(tmp_path, method="offline_st") == []
    (told,) = list_told(tmp_path, stages="sft 5; online_st 5 gold_share=0")  # for the other stage
    assert "no gold completion to learn from" in told


def test_a_gold_column_that_is_not_there_is_told_even_where_gold_is_not_needed(
    tmp_path: Path,
) -> None:
    (told,) = list_told(tmp_path, method="offline_st", gold_column="answr")
    assert "no column 'answr'" in told


def test_whole_groups_are_sampled_and_one_completion_of_a_prompt_will_do(tmp_path: Path) -> None:
    assert list_told(tmp_path, method="online_st", num_generations=1) == []
    (told,) = list_told(tmp_path, method="online_st", num_generations=7)
    assert "whole groups" in told
    assert list_told(tmp_path, method="offline_st", num_generations=7) == []


def test_a_stage_that_samples_first_takes_that_time_once_and_stores_it_twice(
    tmp_path: Path,
) -> None:
    settings: dict[str, Any] = {"method": "offline_st", "eval_steps": 0, "save_steps": 0}

    def plan(**more: Any) -> float:
        return estimate(make_config({**settings, **more}), tmp_path).total_seconds or 0.0

    sampling = plan(max_steps=10, num_prompts=2000) - plan(max_steps=10, num_prompts=1000)
    assert sampling > 0
    steps = 10 * (estimate(make_config(settings), tmp_path).update_seconds or 0.0)
    assert plan(max_steps=10, num_prompts=1000) == pytest.approx(sampling + steps)
    assert plan(max_steps=20, num_prompts=1000) == pytest.approx(sampling + 2 * steps)
    few, many = (
        disk_bytes(make_config({**settings, "num_prompts": count}), 0) for count in (1000, 2000)
    )
    each = RunConfig(method="offline_st").num_generations
    as_many = {**settings, "num_prompts": 64 // each, "max_steps": 1000 * each // 64}
    once = disk_bytes(make_config({**as_many, "method": "grpo", "num_generations": each}), 0)
    once -= disk_bytes(make_config({**as_many, "method": "sft"}), 0)
    assert many - few == 2 * once
    assert get_method("offline_st").samples and not get_method("offline_st").samples_each_step
