"""ReFT as a recipe: SFT and PPO in one run, and the paper's reward, chosen by its name."""

import pytest

from rft_core.config import make_config
from rft_core.rewards.contract import Batch
from rft_core.rewards.deciding import is_right
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS


def test_the_recipe_is_sft_and_then_ppo_near_to_what_sft_left() -> None:
    config = make_config({"task": "gsm8k", "stages": "reft"})
    sft, ppo = (plan.config for plan in config.plan_stages())
    assert (sft.method, ppo.method) == ("sft", "ppo")
    assert ppo.reference == "stage_start"
    assert (ppo.gamma, ppo.lam, ppo.num_iterations) == (1.0, 0.95, 2)
    assert sft.beta == make_config({}).beta  # what suits PPO is PPO's alone


@pytest.mark.parametrize("task", ["gsm8k", "word_problems"])
@pytest.mark.parametrize(
    ("answer", "reward"),
    [
        ("<think>6 * 7</think>\n<answer>42</answer>", 1.0),
        ("<answer> $42.00 </answer>", 1.0),
        ("<think>6 + 7</think>\n<answer>1,300</answer>", 0.1),
        ("<answer>-13</answer>", 0.1),
        ("<answer>13 or 42</answer>", 0.0),
        ("<answer>I do not know</answer>", 0.0),
        ("nothing", 0.0),
    ],
)
def test_a_right_number_earns_one_any_number_a_tenth_and_none_nothing(
    task: str, answer: str, reward: float
) -> None:
    assert score(task, answer) == (pytest.approx(reward), reward == 1.0)


@pytest.mark.parametrize("task", ["gsm8k_program", "word_problems_program"])
@pytest.mark.parametrize(
    ("program", "reward"),
    [
        ("answer = 6 * 7", 1.0),
        ("answer = 6 + 7", 0.1),
        ("answer = 'six'", 0.0),
        ("answer = six", 0.0),
    ],
)
def test_so_do_programs_by_what_they_compute(task: str, program: str, reward: float) -> None:
    scored = score(task, f"<think>?</think>\n<answer>\n{program}\n</answer>")
    assert scored == (pytest.approx(reward), reward == 1.0)


def score(task: str, answer: str) -> tuple[float | None, bool]:
    """The reward, and whether it is right: by what decides, and by the column that only watches."""
    rewards = TASKS[task].other_rewards["reft"].rewards
    batch = Batch([[{"role": "user", "content": "?"}]], [answer], [{"answer": "#### 42"}])
    with Scorer(rewards, timeout=30) as scorer:
        (scored,) = scorer.score(batch).samples
    right = bool(is_right(rewards, scored))
    assert scored.scores["right"] == pytest.approx(float(right))
    return scored.reward, right
