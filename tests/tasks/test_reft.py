"""ReFT as a recipe: SFT and PPO in one run, and the paper's reward out of two graders."""

import re

import pytest

from rft_core.config import make_config
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.scorer import Scorer


def test_the_recipe_is_sft_and_then_ppo_near_to_what_sft_left() -> None:
    config = make_config({"task": "gsm8k", "stages": "reft"})
    sft, ppo = (plan.config for plan in config.plan_stages())
    assert (sft.method, ppo.method) == ("sft", "ppo")
    assert ppo.reference == "stage_start"
    assert (ppo.gamma, ppo.lam, ppo.num_iterations) == (1.0, 0.95, 2)
    assert sft.beta == make_config({}).beta  # what suits PPO is PPO's alone


@pytest.fixture
def documented() -> RewardSet:
    """The set that `docs/reft.md` shows."""
    text = (PROJECT_ROOT / "docs" / "reft.md").read_text(encoding="utf-8")
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found
    return RewardSet.from_json(found[1])


@pytest.mark.parametrize(
    ("answer", "reward"),
    [
        ("<think>6 * 7</think>\n<answer>42</answer>", 1.0),
        ("<answer> $42.00 </answer>", 1.0),
        ("<think>6 + 7</think>\n<answer>1,300</answer>", 0.1),
        ("<answer>-13</answer>", 0.1),
        ("<answer>I do not know</answer>", 0.0),
        ("nothing", 0.0),
    ],
)
def test_a_right_number_earns_one_any_number_a_tenth_and_none_nothing(
    documented: RewardSet, answer: str, reward: float
) -> None:
    batch = Batch([[{"role": "user", "content": "?"}]], [answer], [{"answer": "#### 42"}])
    with Scorer(documented, timeout=30) as scorer:
        (scored,) = scorer.score(batch).samples
    assert scored.reward == pytest.approx(reward)
