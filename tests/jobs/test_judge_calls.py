"""How often a run asks its judges at most, against hand counts and against a real server."""

import json
import os
import subprocess
import sys

import pytest

from rft_core.cli.launch import warn
from rft_core.config import make_config
from rft_core.errors import BadInputError
from rft_core.jobs.checks import list_judge_calls, list_problems
from rft_core.jobs.judge_calls import count_judge_calls, refuse_lone_rankings
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import ensure_set

STEPS = {
    "max_steps": 10, "per_device_train_batch_size": 16, "gradient_accumulation_steps": 2,
    "num_generations": 8, "num_generations_eval": 4, "per_device_eval_batch_size": 4,
    "eval_steps": 5, "num_iterations": 1,
}  # fmt: skip


def judges(**options) -> RewardSet:
    options = {"base_url": "http://127.0.0.1:9/v1", "model": "m", "rubric": "Be kind."} | options
    return RewardSet(
        (RewardEntry("kind", "judge", 1.0, options), RewardEntry("format", "format", 1.0))
    )


def count(reward_set: RewardSet, validation: int = 12, **values):
    [calls] = count_judge_calls(make_config(STEPS | values), reward_set, validation)
    return calls.per_step, calls.training, calls.per_validation, calls.validation


def test_each_completion_is_a_call():
    assert count(judges()) == (32, 320, 48, 144)  # validated before, after 5, and at the end


def test_a_ranked_group_is_one_call():
    assert count(judges(ranks_group=True)) == (4, 40, 12, 36)


def test_a_validation_of_single_completions_ranks_nothing():
    values = {"num_generations_eval": 1, "per_device_eval_batch_size": 4}
    assert count(judges(ranks_group=True), **values) == (4, 40, 0, 0)


def test_completions_used_twice_are_judged_once():
    assert count(judges(), num_iterations=2)[:2] == (32, 160)


def test_without_validation_there_are_no_calls_for_it():
    assert count(judges(), validation=0)[2:] == (0, 0)
    assert count(judges(), eval_steps=0)[2:] == (0, 0)


def test_stages_add_up_and_those_that_learn_examples_ask_nothing_but_to_validate():
    stages = [{"method": "sft", "max_steps": 5}, {"method": "grpo", "max_steps": 10}]
    calls = count(judges(), stages=stages, max_steps=15)
    assert calls == (32, 320, 48, (2 + 3) * 48)


def test_self_training_offline_asks_of_all_prompts_once():
    values = {"method": "offline_st", "num_prompts": 100}
    assert count(judges(), **values)[:2] == (0, 800)


def test_a_weight_of_nothing_saves_no_call_and_other_graders_ask_nobody():
    logged = RewardSet((RewardEntry("kind", "judge", 0.0, judges().entries[0].options),))
    assert count(logged) == count(judges())
    assert count_judge_calls(make_config(STEPS), RewardSet(judges().entries[1:]), 12) == ()


def test_it_is_said_in_words_with_the_time_that_the_limit_makes_it_last():
    [calls] = count_judge_calls(make_config(STEPS), judges(requests_per_minute=58), 12)
    assert str(calls) == (
        "The judge 'kind' answers 496 calls at most: 32 a step, 320 in training; 48 a validation, "
        "144 in all of them; 32 in the preflight. A call that fails is sent up to 8 times. "
        "With 58 requests a minute that takes 9 min or more."
    )
    [calls] = count_judge_calls(make_config(STEPS), judges(retries=0), 0)
    assert str(calls) == (
        "The judge 'kind' answers 352 calls at most: 32 a step, 320 in training; "
        "32 in the preflight. A call that fails is sent up to 2 times."
    )


def test_a_ranking_of_one_completion_is_refused_before_launch(tmp_path):
    one = make_config(STEPS | {"method": "ppo", "num_generations": 1})
    with pytest.raises(BadInputError, match="only one"):
        refuse_lone_rankings(one, judges(ranks_group=True))
    refuse_lone_rankings(one, judges())
    refuse_lone_rankings(make_config(STEPS), judges(ranks_group=True))
    config = store(tmp_path, judges(ranks_group=True), method="ppo", num_generations=1)
    assert any("only one" in problem.what for problem in list_problems(tmp_path, config))


def store(runs_dir, reward_set: RewardSet, **values):
    with open_index(runs_dir) as index:
        ensure_set(index, "rewards", id=reward_set.id, name="kind", content=reward_set.to_json())
    return make_config(STEPS | {"reward_set": reward_set.id, **values})


def test_the_calls_of_a_run_are_those_of_its_stored_rewards(tmp_path):
    config = store(tmp_path, judges(), num_validation_prompts=12)
    [calls] = list_judge_calls(tmp_path, config)
    assert (calls.per_step, calls.validation, calls.total) == (32, 144, 496)
    assert list_judge_calls(tmp_path, make_config(STEPS)) == ()
    assert list_judge_calls(tmp_path, make_config(STEPS | {"reward_set": "rw-none"})) == ()


def test_plan_says_it_before_anything_is_asked(tmp_path):
    config = store(tmp_path, judges(), num_validation_prompts=12)
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config.model_dump(mode="json", exclude_defaults=True)))

    def plan(*more):
        command = [sys.executable, "-m", "rft_core", "plan", str(file), *more]
        environment = os.environ | {"RFT_RUNS_DIR": str(tmp_path)}
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return done.stdout

    [judge] = json.loads(plan("--json"))["judges"]
    assert judge["name"] == "kind" and judge["total"] == 496 and judge["per_step"] == 32
    assert "The judge 'kind' answers 496 calls at most" in plan()


def test_launch_says_it_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    warn(store(tmp_path, judges(), num_validation_prompts=12))
    assert "The judge 'kind' answers 496 calls at most" in capsys.readouterr().err
    warn(make_config(STEPS))
    assert "judge" not in capsys.readouterr().err
