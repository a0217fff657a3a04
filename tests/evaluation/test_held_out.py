"""Which rows a run is evaluated on, and what counts as right."""

from pathlib import Path

import pytest

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.held_out import (
    evaluate_runs,
    find_contender,
    find_held_out,
    is_right,
    judge,
)
from rft_core.generation.protocol import Completion
from rft_core.jobs.pinning import pin_sets
from rft_core.rewards.composition import Scorer
from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.store.index import add_run, open_index
from rft_core.tasks import get_task
from rft_core.tasks.countdown import bucket
from tests.tiny_run import add_tiny_run, make_tiny_prompts


def scored(**scores: float | None) -> Scored:
    return Scored(scores, None, {})


def rewards(**weights: float) -> RewardSet:
    return RewardSet(tuple(RewardEntry(name, "length", weight) for name, weight in weights.items()))


@pytest.mark.parametrize(
    ("reward_set", "sample", "right"),
    [
        (rewards(format=1, correctness=1), scored(format=0.0, correctness=1.0), True),
        (rewards(format=1, equation=1), scored(format=1.0, equation=0.0), False),
        (rewards(correctness=1), scored(correctness=0.9), False),
        (rewards(correctness=1), scored(correctness=None), None),
        (rewards(a=1, b=2, logged=0), scored(a=1.0, b=1.0, logged=0.0), True),
        (rewards(a=1, b=2), scored(a=1.0, b=0.5), False),
        (rewards(a=1, b=2), scored(a=1.0, b=None), None),
    ],
)
def test_right(reward_set: RewardSet, sample: Scored, right: bool | None) -> None:
    assert is_right(reward_set, sample) is right


def test_a_built_in_task_is_evaluated_on_rows_that_no_training_sees(tmp_path: Path) -> None:
    held_out = find_held_out(tmp_path, RunConfig(), num_prompts=20)
    assert len(held_out.rows) == len(held_out.prompts) == 20
    assert all(bucket(row["nums"]) == "held_out" for row in held_out.rows)
    easy = find_held_out(tmp_path, RunConfig(), task="countdown-easy", num_prompts=5)
    assert easy.task == "countdown-easy"


def test_a_custom_run_is_evaluated_on_its_validation_rows(tmp_path: Path) -> None:
    config = add_tiny_run(tmp_path, tmp_path / "model")
    held_out = find_held_out(tmp_path, config)
    assert list(held_out.rows) == list(make_tiny_prompts().validation_rows)
    assert held_out.reward_set.id == config.reward_set
    with pytest.raises(BadInputError, match="brings no rows"):
        find_held_out(tmp_path, config, task="word_problems")


def test_verdicts_keep_the_shape_of_the_groups(tmp_path: Path) -> None:
    held_out = find_held_out(tmp_path, RunConfig(), num_prompts=3)
    golds = [get_task("countdown").write_gold(row) or "" for row in held_out.rows]
    groups = [[Completion(text, (), False, 0.0) for text in (gold, "50")] for gold in golds]
    with Scorer(held_out.reward_set) as scorer:
        assert judge(scorer, held_out, groups) == [[True, False]] * 3


def test_runs_of_different_models_are_not_compared(tmp_path: Path) -> None:
    with open_index(tmp_path) as index:
        for run, model in (("a", "embedded/countdown"), ("b", "some/other")):
            config = pin_sets(index, make_config({"model": model, "num_prompts": 8}))
            add_run(index, id=run, config=config)
    with pytest.raises(BadInputError, match="different models"):
        evaluate_runs(tmp_path, ["a", "b"])
    with pytest.raises(NotFoundError, match="no adapter yet"):
        find_contender(tmp_path, "a")
