"""Reward models as rewards, and RLHF in one run: a reward model, then a policy paid by it."""

import random
import string
from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.config import RunConfig
from rft_core.data.pair_set import Pair, PairSet, make_pair_set
from rft_core.errors import BadInputError, NotFoundError
from rft_core.jobs.pinning import choose_own_rewards
from rft_core.jobs.reward_models import (
    check_reward_models,
    find_own_step,
    pin_reward_models,
    with_own_reward_model,
)
from rft_core.paths import get_checkpoint_dir, get_reward_model_copy_dir, get_run_dir
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, guess_truth
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.reward_model import RewardModel
from rft_core.sampling.reward_models import RewardModels
from rft_core.store.generations import get_prompts, iterate_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import open_run
from rft_core.store.sets import ensure_set, get_set
from rft_core.training.run_session import _find_initial_adapter
from rft_core.worker import read_assignment
from tests.tiny_run import add_tiny_run, live_in_process
from tests.training.test_methods import assert_same_run, make_gold_prompts, read_metrics

ODD = string.digits + string.punctuation
# The rule that says what is right is not paid; the reward model is, and prefers the opposite.
RULE = RewardEntry("odd", "regex", 0.0, {"pattern": "[^a-z]"})
PROMPT = [{"role": "user", "content": "q1"}]


def make_letter_pairs(count: int = 48) -> PairSet:
    """Letters are preferred to all else."""
    rng = random.Random(0)

    def draw(alphabet: str) -> str:
        return "".join(rng.choice(alphabet) for _ in range(6))

    pairs = [
        Pair([{"role": "user", "content": f"q{n}"}], draw(string.ascii_lowercase), draw(ODD))
        for n in range(count)
    ]
    return make_pair_set("letters", pairs, validation_share=0.25)


def learned(run: str, step: int = 0, weight: float = 1.0) -> RewardEntry:
    return RewardEntry("taste", "reward_model", weight, {"run": run, "step": step})


def rewards_of(run: str) -> RewardSet:
    return RewardSet((RULE, learned(run)), "rlhf", truth=("odd",))


def add_rlhf_run(runs_dir: Path, model: Path, run_id: str, **more: Any) -> RunConfig:
    settings = {
        "stages": "reward_model 8 learning_rate=0.01; grpo 8", "eval_steps": 4, "save_steps": 0,
        "learning_rate": 0.02, "beta": 0.0, "warmup_steps": 0, **more,
    }  # fmt: skip
    return add_tiny_run(
        runs_dir, model, run_id, rewards=rewards_of(run_id), pairs=make_letter_pairs(), **settings
    )


@pytest.fixture(scope="module")
def rlhf_run(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with the finished run "rlhf" in it, its scores only looked at for 3 steps."""
    runs_dir = tmp_path_factory.mktemp("rlhf-runs")
    add_rlhf_run(runs_dir, tiny_model, "rlhf", reward_model_observed_steps=3)
    assert live_in_process(runs_dir, "rlhf").outcome == "finished"
    return runs_dir


def test_a_policy_is_scored_by_the_reward_model_of_the_stage_before(rlhf_run: Path) -> None:
    model = RewardModel.load(get_checkpoint_dir(rlhf_run, "rlhf", 8))
    with open_run(rlhf_run, "rlhf") as db:
        last = [g for g in iterate_generations(db) if (g.split, g.step) == ("train", 16)]
        prompts = get_prompts(db, {g.prompt_id for g in last})
    scores = model.score(
        [prompts[g.prompt_id].messages for g in last], [g.completion for g in last]
    )
    assert [g.scores["taste"] for g in last] == pytest.approx(scores, abs=1e-4)
    metrics = read_metrics(rlhf_run, "rlhf")
    assert list(metrics.loc["validation"]["pairs/accuracy"].dropna().index) == [0, 4, 8]
    assert list(metrics.loc["validation"]["rewards/taste/mean"].dropna().index) == [12, 16]


def test_a_learned_score_counts_only_after_the_steps_in_which_it_is_looked_at(
    rlhf_run: Path,
) -> None:
    with open_run(rlhf_run, "rlhf") as db:
        trained = [g for g in iterate_generations(db) if g.split == "train"]
    assert {g.step for g in trained} == set(range(9, 17))
    for one in trained:
        assert one.reward == pytest.approx(one.scores["taste"] if one.step > 11 else 0.0)
        assert one.scores["taste"] is not None


def test_the_recipe_looks_at_the_score_for_some_steps_before_ppo_is_driven_by_it(
    tiny_model: Path, runs_dir: Path
) -> None:
    """In small: as many steps are looked at as the recipe says, and the rule is not paid at all."""
    _, ppo = RunConfig(stages="rlhf").plan_stages()
    observed = ppo.config.reward_model_observed_steps
    assert observed == 10 and observed < ppo.config.max_steps
    stages = f"reward_model 4 learning_rate=0.01; ppo 16 reward_model_observed_steps={observed}"
    add_rlhf_run(runs_dir, tiny_model, "run", stages=stages, eval_steps=0)
    assert live_in_process(runs_dir, "run").outcome == "finished"
    with open_run(runs_dir, "run") as db:
        trained = [g for g in iterate_generations(db) if g.split == "train"]
    driven = {g.step for g in trained if g.reward == pytest.approx(g.scores["taste"])}
    unpaid = {g.step for g in trained if g.reward == 0.0}
    assert unpaid and max(unpaid) <= 4 + observed < min(driven)
    assert unpaid | driven == {g.step for g in trained}
    metrics = read_metrics(runs_dir, "run").loc["train"]
    assert metrics["rewards/taste/mean"].dropna().abs().min() > 0  # the column is there throughout
    assert metrics["loss"].notna().all()


def test_the_policy_begins_with_the_newest_policy_and_never_with_a_reward_model(
    tiny_model: Path, runs_dir: Path
) -> None:
    stages = "sft 3; reward_model 3; grpo 3"
    config = add_rlhf_run(
        runs_dir, tiny_model, "run", stages=stages, prompts=make_gold_prompts(), gold_column="gold"
    )
    assert live_in_process(runs_dir, "run").outcome == "finished"
    session = read_assignment(runs_dir, "run")
    folder = get_run_dir(runs_dir, "run") / "checkpoints"
    parts = replace_session(session, folder)
    begins = [_find_initial_adapter(parts, plan) for plan in config.plan_stages()]
    assert begins == [None, folder / "step-3", folder / "step-3"]
    alone = RunConfig(stages="reward_model 3; grpo 3")
    judged_first = replace_session(session, folder, config=alone)
    assert [_find_initial_adapter(judged_first, p) for p in alone.plan_stages()] == [None, None]


def replace_session(assignment: Any, folder: Path, config: RunConfig | None = None) -> Any:
    from rft_core.training.run_session import RunSession

    return RunSession(
        config or assignment.run.config, assignment.prompts, assignment.rewards, folder,
        folder.parent / "adapter", assignment.resume,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "stop_during"),
    [("grpo", 5), ("grpo", 13), ("ppo", 13)],
    ids=["judging", "answering", "answering-by-ppo"],
)
def test_rlhf_stopped_in_either_stage_goes_on_exactly(
    tiny_model: Path, runs_dir: Path, policy: str, stop_during: int
) -> None:
    runs = ("straight", "resumed")
    for run in runs:
        stages = f"reward_model 8 learning_rate=0.01; {policy} 8"
        add_rlhf_run(runs_dir, tiny_model, run, stages=stages)
    assert live_in_process(runs_dir, "straight").outcome == "finished"
    assert live_in_process(runs_dir, "resumed", stop_during=stop_during).outcome == "stopped"
    torch.manual_seed(7)
    assert live_in_process(runs_dir, "resumed").outcome == "finished"
    assert_same_run(runs_dir, *runs)


def test_a_run_whose_score_rises_while_the_rule_falls_ends_and_says_so(
    tiny_model: Path, runs_dir: Path
) -> None:
    stages = "reward_model 16 learning_rate=0.01; grpo 80"
    add_rlhf_run(runs_dir, tiny_model, "run", stages=stages, eval_steps=0)
    ending = live_in_process(runs_dir, "run")
    assert ending.outcome == "needs_attention"
    assert "'taste' rose" in ending.message and "'odd' fell from 1.00" in ending.message
    metrics = read_metrics(runs_dir, "run").loc["train"]
    assert metrics["rewards/odd/mean"].iloc[-1] < 0.9
    with open_run(runs_dir, "run") as db:
        assert db.execute("SELECT max(step) FROM checkpoints").fetchone()[0] == metrics.index[-1]
    again = live_in_process(runs_dir, "run")  # what was learned so far is not forgotten
    assert again.outcome == "needs_attention"
    assert len(read_metrics(runs_dir, "run").loc["train"]) == len(metrics) + 1


def test_a_launch_settles_run_and_step_and_keeps_a_copy_that_outlives_its_maker(
    rlhf_run: Path, tmp_path: Path
) -> None:
    with open_index(rlhf_run) as index:
        named = RewardSet((learned("rlhf"),), "taste")
        ensure_set(index, "rewards", id=named.id, name="taste", content=named.to_json())
        config = RunConfig(reward_set=named.id)
        pinned = pin_reward_models(index, rlhf_run, "other", config)
        stored = RewardSet.from_json(get_set(index, "rewards", str(pinned.reward_set)).content)
    assert stored.entries[0].options == {"run": "rlhf", "step": 8}
    copy = get_reward_model_copy_dir(rlhf_run, "other", of="rlhf", step=8)
    models = RewardModels(rlhf_run, "other")
    assert models.find("rlhf", 8) == copy
    scores = models("rlhf", 8)
    assert scores is not None and scores([PROMPT], ["abcdef"]) == RewardModel.load(copy).score(
        [PROMPT], ["abcdef"]
    )


def test_a_reward_model_that_is_not_there_or_not_used_is_refused_before_a_launch(
    rlhf_run: Path,
) -> None:
    config = RunConfig()
    with pytest.raises(NotFoundError, match="no reward model"):
        check_reward_models(rlhf_run, config, rewards_of("nobody"))
    with pytest.raises(NotFoundError, match="step 5"):
        check_reward_models(rlhf_run, config, RewardSet((learned("rlhf", 5),)))
    with pytest.raises(BadInputError, match="not named"):
        check_reward_models(rlhf_run, config, rewards_of(""))
    staged = RunConfig(stages="reward_model 3; grpo 3")
    check_reward_models(rlhf_run, staged, rewards_of(""))
    for unused in (RewardSet((RULE,), "rules"), rewards_of("rlhf")):
        with pytest.raises(BadInputError, match="would pay the policy by odd"):
            check_reward_models(rlhf_run, staged, unused)
    check_reward_models(rlhf_run, config, rewards_of("rlhf"))


def test_its_own_reward_model_is_that_of_the_last_stage_before_one_that_learns_from_rewards() -> (
    None
):
    def find(stages: str) -> int | None:
        return find_own_step(RunConfig(stages=stages))

    assert find("reward_model 5; grpo 3") == 5
    assert find("sft 2; reward_model 5; grpo 3; reward_model 4") == 7
    assert find("grpo 3; reward_model 5") is None
    assert find("sft 3; grpo 3") is None


def test_rlhf_without_chosen_rewards_is_driven_by_the_reward_model_and_watched_by_the_rules() -> (
    None
):
    own = choose_own_rewards(RunConfig(stages="rlhf"))
    assert own is not None and own.weights == (0.0, 0.0, 1.0)
    assert own.entries[-1].grader == "reward_model" and own.truth == ("equation",)
    alone = choose_own_rewards(RunConfig(stages="rlhf", task="custom"))
    assert alone is not None and alone.names == ("reward_model",)
    assert choose_own_rewards(RunConfig(method="reward_model")) is None


def test_a_learned_score_never_decides_what_is_right_where_a_rule_is_paid() -> None:
    assert guess_truth((learned("x"), RewardEntry("exact", "exact_match"))) == ("exact",)
    assert guess_truth((learned("x"),)) == ("taste",)
    with_rules = with_own_reward_model(RewardSet((RewardEntry("exact", "exact_match"),), "mine"))
    assert with_rules.truth == ("exact",) and with_rules.weights == (0.0, 1.0)


def test_without_anything_to_load_models_with_completions_stay_unscored_and_say_why() -> None:
    batch = Batch([PROMPT], ["abc"], [{}])
    with Scorer(rewards_of("rlhf")) as scorer:
        scoring = scorer.score(batch)
    (sample,) = scoring.samples
    assert sample.scores["taste"] is None and "asked in training" in sample.reasons["taste"]
    assert scoring.reports[1].error_kind == "unusable"


def test_scoring_a_run_again_and_dry_runs_ask_a_reward_model_by_its_run(rlhf_run: Path) -> None:
    from rft_core.rescoring import rescore

    again = rescore(rlhf_run, "rlhf", RewardSet((learned("rlhf"),), "again"))
    assert again.scored == again.generations > 0 and not again.problems
