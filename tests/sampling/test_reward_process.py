"""A reward model asked in a process of its own says what it says here."""

from pathlib import Path

import pytest

from rft_core.errors import WorkerError
from rft_core.evaluation.reranking import find_reranker
from rft_core.sampling.reward_model import RewardModel
from rft_core.sampling.reward_models import RewardModels
from rft_core.sampling.reward_process import RewardProcess
from rft_core.store.adapters import get_reward_model
from tests.tiny_model import make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process, make_tiny_pairs

PROMPTS = [[{"role": "user", "content": "p1"}]] * 2
ANSWERS = ["a1", "b1 and so on"]


def test_reranking_and_rewards_ask_it_there_as_training_does_here(tmp_path: Path) -> None:
    model = make_tiny_model(tmp_path / "model")
    runs_dir = tmp_path / "runs"
    add_tiny_run(
        runs_dir, model, "rm", method="reward_model", pairs=make_tiny_pairs(12), eval_steps=0,
        learning_rate=0.02, max_steps=6, save_steps=0, rewards=None,
    )  # fmt: skip
    assert live_in_process(runs_dir, "rm").outcome == "finished"
    here = RewardModel.load(get_reward_model(runs_dir, "rm").path).score(PROMPTS, ANSWERS)
    reranker = find_reranker(runs_dir, "rm")
    assert reranker.score(PROMPTS, ANSWERS) == pytest.approx(here, abs=1e-5)
    assert here[0] > here[1]
    opened = RewardModels(runs_dir)("rm", None)
    assert isinstance(opened, RewardProcess)


def test_a_process_that_fails_says_why_in_one_error(tmp_path: Path) -> None:
    with pytest.raises(WorkerError, match="holds no reward model"):
        RewardProcess(tmp_path)(PROMPTS, ANSWERS)
