"""What counts as right, which models are compared, and what is said about how they were sampled."""

from pathlib import Path

import pytest

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.held_out import HeldOut
from rft_core.evaluation.run_evaluation import find_contender, judge, plan_evaluation
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import get_adapter_dir
from rft_core.rewards.scorer import Scorer
from rft_core.store.index import open_index
from rft_core.store.runs import add_run
from rft_core.tasks import get_task
from rft_core.types import Completion


def add_runs(runs_dir: Path, **settings: dict[str, object]) -> None:
    with open_index(runs_dir) as index:
        for run, values in settings.items():
            config = pin_sets(index, make_config({"num_prompts": 8} | values))
            add_run(index, id=run, config=config)


def test_verdicts_keep_the_shape_of_the_groups() -> None:
    task = get_task("countdown")
    rows = task.held_out(3)
    prompts = [task.prompt(row) for row in rows]
    held_out = HeldOut(task.name, "held-out", rows, prompts, task.reward_set)
    golds = [task.write_gold(row) or "" for row in rows]
    groups = [[Completion(text, (), False, 0.0) for text in (gold, "50")] for gold in golds]
    with Scorer(held_out.reward_set) as scorer:
        assert judge(scorer, held_out, groups) == [[True, False]] * 3


def test_runs_of_different_models_are_not_compared(tmp_path: Path) -> None:
    add_runs(tmp_path, a={}, b={"model": "some/other"})
    with pytest.raises(BadInputError, match="different models"):
        plan_evaluation(tmp_path, ["a", "b"])
    with pytest.raises(NotFoundError, match="no adapter yet"):
        find_contender(tmp_path, "a")


def test_the_plan_says_which_rows_and_whose_settings_are_used(tmp_path: Path) -> None:
    add_runs(tmp_path, a={"temperature": 0.7, "dtype": "bfloat16"}, b={"temperature": 0.2})
    for run in ("a", "b"):
        get_adapter_dir(tmp_path, run).mkdir(parents=True)
        for name in ("adapter_config.json", "adapter_model.safetensors"):
            (get_adapter_dir(tmp_path, run) / name).touch()
    plan = plan_evaluation(tmp_path, ["a", "b"], num_prompts=7)
    assert [contender.label for contender in plan.contenders] == ["base", "a", "b"]
    assert plan.params.temperature == RunConfig(temperature=0.7).temperature
    said = plan.describe()
    assert said.startswith("countdown, 7 held-out rows")
    assert "Judged by equation" in said
    assert "settings of a: temperature 0.7" in said and "in bfloat16" in said
