"""PPO's formulas against numbers worked out by hand, and against the slips that others have made.

Every planted fault is a wrong version of one function; the same check that passes for ours must
fail for it.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from rft_core.training.ppo.losses import Clipping, Rollout, measure_ppo_loss
from rft_core.training.ppo.token_advantages import (
    estimate_advantages,
    explained_variance,
    kl_k1,
    kl_k3,
    sum_to_come,
    token_rewards,
    whiten,
)

# Four tokens, gamma 0.9 and lambda 0.8 (0.72 together), worked out from the last one back:
#   d4 = 1   - 0.4                    =  0.6     A4 = 0.6
#   d3 = 0   + 0.9 * 0.4 - 0.3        =  0.06    A3 = 0.06   + 0.72 * 0.6     = 0.492
#   d2 = 0   + 0.9 * 0.3 - 0.2        =  0.07    A2 = 0.07   + 0.72 * 0.492   = 0.42424
#   d1 = 0.5 + 0.9 * 0.2 - 0.1        =  0.58    A1 = 0.58   + 0.72 * 0.42424 = 0.8854528
REWARDS, VALUES = [0.5, 0.0, 0.0, 1.0], [0.1, 0.2, 0.3, 0.4]
ADVANTAGES = [0.8854528, 0.42424, 0.492, 0.6]
DISCOUNT: dict[str, float] = {"gamma": 0.9, "lam": 0.8}


def row(*numbers: float) -> torch.Tensor:
    return torch.tensor([numbers], dtype=torch.float)


def test_advantages_of_four_tokens_are_those_worked_out_by_hand() -> None:
    found = estimate_advantages(row(*REWARDS), row(*VALUES), torch.ones(1, 4), **DISCOUNT)
    torch.testing.assert_close(found.advantages, row(*ADVANTAGES))
    returns = [a + v for a, v in zip(ADVANTAGES, VALUES, strict=True)]
    torch.testing.assert_close(found.returns, row(*returns))


def test_padding_and_what_stands_in_it_change_nothing() -> None:
    for junk in (0.0, 1e6):
        rewards, values = row(*REWARDS, junk, -junk), row(*VALUES, junk, junk)
        found = estimate_advantages(rewards, values, row(1, 1, 1, 1, 0, 0), **DISCOUNT)
        torch.testing.assert_close(found.advantages, row(*ADVANTAGES, 0, 0))
        assert not found.returns[0, 4:].any()


def test_tokens_of_an_environment_are_stepped_over() -> None:
    """The policy wrote two tokens, a tool answered with three, the policy wrote two more."""
    mask = row(1, 1, 0, 0, 0, 1, 1)

    def run(junk: torch.Tensor) -> Any:
        def spread(numbers: list[float]) -> torch.Tensor:
            return torch.cat([row(*numbers[:2]), junk, row(*numbers[2:])], dim=1)

        rewards, values = spread(REWARDS), spread(VALUES)
        found = estimate_advantages(rewards, values, mask, **DISCOUNT)
        rollout = Rollout(spread(REWARDS), values, whiten(found.advantages, mask),
                          found.returns, mask)  # fmt: skip
        loss = measure_ppo_loss(spread(VALUES), spread(REWARDS), rollout, CLIPPING, 4)
        return found.advantages, loss

    advantages, loss = run(torch.zeros(1, 3))
    torch.testing.assert_close(advantages[mask.bool()], torch.tensor(ADVANTAGES))
    for seed in range(3):
        rng = torch.Generator().manual_seed(seed)
        other_advantages, other_loss = run(torch.randn(1, 3, generator=rng))
        assert torch.equal(advantages, other_advantages) and loss == other_loss


# --- Where the score lands -----------------------------------------------------------------------

PAD = EOS = 0  # one token for both, as in many models
IDS = torch.tensor([[5, 6, EOS, PAD], [5, 6, 7, 8], [EOS, PAD, PAD, PAD], [PAD, PAD, PAD, PAD]])
OWN = torch.tensor([[1, 1, 1, 0], [1, 1, 1, 1], [1, 0, 0, 0], [0, 0, 0, 0]])  # ends, cut off, ends
SCORES = torch.tensor([2.0, 3.0, 4.0, 5.0])  # the last row was left out: nobody could score it
LANDED = torch.tensor([[0.0, 0, 2, 0], [0, 0, 0, 3], [4, 0, 0, 0], [0, 0, 0, 0]])
Place = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]


def place(ids: torch.Tensor, mask: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
    return token_rewards(scores, torch.zeros(mask.shape), mask, beta=0.1)


def place_before_padding(
    ids: torch.Tensor, mask: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    """Fault: the end token is taken for padding, for they are the same."""
    return place(ids, (ids != PAD).long(), scores)


def place_on_the_end_token(
    ids: torch.Tensor, mask: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    """Fault: a completion without an end token gets no score, or gets it at its begin."""
    rewards = torch.zeros(ids.shape)
    rewards[torch.arange(len(ids)), (ids == EOS).long().argmax(dim=1)] += scores
    return rewards


def place_in_the_last_column(
    ids: torch.Tensor, mask: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    """Fault: what is after the end has no part in any advantage."""
    return torch.cat([torch.zeros(len(ids), 3), scores[:, None]], dim=1)


def score_lands_right(put: Place) -> bool:
    return torch.equal(put(IDS, OWN, SCORES), LANDED)


@pytest.mark.parametrize(
    "fault", [place_before_padding, place_on_the_end_token, place_in_the_last_column]
)
def test_the_score_lands_on_the_last_real_token_and_a_fault_would_show(fault: Place) -> None:
    assert score_lands_right(place)
    assert not score_lands_right(fault)


def test_kl_is_taken_off_every_own_token_and_of_no_other() -> None:
    kl = torch.tensor([[0.5, -1.0, 2.0, 9.0]])
    rewards = token_rewards(torch.tensor([1.0]), kl, row(1, 1, 1, 0), beta=0.1)
    torch.testing.assert_close(rewards, row(-0.05, 0.1, 0.8, 0.0))


# --- Whitening and returns -----------------------------------------------------------------------


def whiten_all(numbers: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Fault: padding counts among the tokens."""
    return (numbers - numbers.mean()) / (numbers.std(correction=0) + 1e-8) * mask


def whitens_own_tokens(make: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> bool:
    """1, 3 and 5 have mean 3 and variance 8 / 3, whatever is beside them."""
    right = row(-2, 0, 2, 0, 0) / (8 / 3) ** 0.5
    for junk in (0.0, 100.0):
        made = make(row(1, 3, 5, junk, -junk), row(1, 1, 1, 0, 0))
        if not torch.allclose(made, right, atol=1e-6):
            return False
    return True


def test_whitening_sees_the_tokens_of_the_mask_alone_and_a_fault_would_show() -> None:
    assert whitens_own_tokens(whiten)
    assert not whitens_own_tokens(whiten_all)
    assert not whiten(row(1, 2), row(0, 0)).any()
    assert not whiten(row(3, 3, 3), row(1, 1, 1)).any()  # nothing is better than anything


def test_returns_are_values_and_advantages_before_whitening() -> None:
    found = estimate_advantages(row(*REWARDS), row(*VALUES), torch.ones(1, 4), **DISCOUNT)
    white = whiten(found.advantages, torch.ones(1, 4))
    torch.testing.assert_close(found.returns, found.advantages + row(*VALUES))
    assert not torch.allclose(found.returns, white + row(*VALUES), atol=0.1)


# --- KL ------------------------------------------------------------------------------------------

LOGITS, OTHERS = torch.tensor([1.0, -0.5, 0.3, 0.0]), torch.tensor([0.2, 0.4, -1.0, 0.1])


def analytic_kl(logits: torch.Tensor) -> torch.Tensor:
    policy, reference = logits.log_softmax(0), OTHERS.log_softmax(0)
    return (policy.exp() * (policy - reference)).sum()


def k3_inverted(logprobs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """Fault: the ratio upside down, whose mean is no KL of the policy."""
    return kl_k3(reference, logprobs)


def mean_is_kl(estimate: Any) -> bool:
    sampled = torch.distributions.Categorical(logits=LOGITS).sample((200_000,))
    numbers = estimate(LOGITS.log_softmax(0)[sampled], OTHERS.log_softmax(0)[sampled])
    error = 4 * float(numbers.std()) / len(sampled) ** 0.5
    return abs(float(numbers.mean() - analytic_kl(LOGITS))) < error


def test_the_means_of_both_estimators_are_kl_and_a_fault_would_show() -> None:
    torch.manual_seed(0)
    assert mean_is_kl(kl_k1) and mean_is_kl(kl_k3)
    assert not mean_is_kl(k3_inverted)


@pytest.mark.parametrize("estimate", [kl_k1, kl_k3])
def test_their_expectations_have_the_gradient_of_kl(estimate: Any) -> None:
    logits = LOGITS.clone().requires_grad_()
    (right,) = torch.autograd.grad(analytic_kl(logits), logits)
    logprobs = logits.log_softmax(0)
    expectation = (logprobs.exp() * estimate(logprobs, OTHERS.log_softmax(0))).sum()
    (found,) = torch.autograd.grad(expectation, logits)
    torch.testing.assert_close(found, right)


def test_k1_as_a_reward_pulls_the_policy_as_kl_does() -> None:
    """The form used here: the policy's gradient of the reward -k1 over samples is that of -KL."""
    torch.manual_seed(0)
    logits = LOGITS.clone().requires_grad_()
    (right,) = torch.autograd.grad(-analytic_kl(logits), logits)
    logprobs = logits.log_softmax(0)
    sampled = torch.distributions.Categorical(logits=LOGITS).sample((400_000,))
    rewards = -kl_k1(logprobs, OTHERS.log_softmax(0)).detach()[sampled]
    (found,) = torch.autograd.grad((rewards * logprobs[sampled]).mean(), logits)
    torch.testing.assert_close(found, right, atol=5e-3, rtol=0)


# --- Losses --------------------------------------------------------------------------------------

CLIPPING = Clipping(low=0.2, high=0.2, value=0.2)


def test_both_losses_are_those_worked_out_by_hand() -> None:
    """Ratios 1.5 and 0.5 with gains of either sign; values that moved by 0.1, 0.5 and -0.5."""
    ratios, zero = row(1.5, 1.5, 0.5, 0.5), torch.zeros(1, 4)
    rollout = Rollout(zero, zero, row(1, -1, 1, -1), row(1, 1, -1, 1), torch.ones(1, 4))
    values = row(0.1, 0.5, -0.5, -0.5)
    loss = measure_ppo_loss(ratios.log(), values, rollout, CLIPPING, num_tokens=4)
    # min(1.5, 1.2), min(-1.5, -1.2), min(0.5, 0.8), min(-0.5, -0.8)
    assert float(loss.policy) == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)
    # 0.9^2; 0.8^2 and not 0.5^2; the same below zero; 1.5^2 and not 1.2^2
    assert float(loss.value) == pytest.approx((0.81 + 0.64 + 0.64 + 2.25) / 8)
    assert loss.clipped == 0.5 and loss.value_clipped == 0.5 and loss.ratio == 1.0


def test_a_clipped_token_pulls_no_more() -> None:
    logprobs, values = row(0.5, 0.0).requires_grad_(), row(0.5, 0.1).requires_grad_()
    zero = torch.zeros(1, 2)
    rollout = Rollout(zero, zero, row(1, 1), row(1, 1), torch.ones(1, 2))
    loss = measure_ppo_loss(logprobs, values, rollout, CLIPPING, num_tokens=2)
    (loss.policy + loss.value).backward()
    assert logprobs.grad is not None and values.grad is not None
    assert logprobs.grad.tolist() == [[0.0, -0.5]]
    assert values.grad[0, 0] == 0 and values.grad[0, 1] == pytest.approx(-0.45)


@pytest.mark.parametrize("size", [1, 2, 3, 4, 12])
def test_losses_do_not_depend_on_how_a_step_is_cut(size: int) -> None:
    rng = torch.Generator().manual_seed(1)
    logprobs, values, old, old_values, advantages, returns = torch.randn(6, 12, 7, generator=rng)
    mask = (torch.arange(7) < torch.randint(1, 8, (12, 1), generator=rng)).float()
    rollout = Rollout(old, old_values, advantages, returns, mask)
    whole = measure_ppo_loss(logprobs, values, rollout, CLIPPING, mask.sum())
    policy = value = 0.0
    for at in range(0, 12, size):
        cut = slice(at, at + size)
        part = Rollout(old[cut], old_values[cut], advantages[cut], returns[cut], mask[cut])
        loss = measure_ppo_loss(logprobs[cut], values[cut], part, CLIPPING, mask.sum())
        policy, value = policy + float(loss.policy), value + float(loss.value)
    assert policy == pytest.approx(float(whole.policy), rel=1e-5)
    assert value == pytest.approx(float(whole.value), rel=1e-5)


# --- Alignment -----------------------------------------------------------------------------------


def look_up_late(critic: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Fault: the value of a token is looked up after it, when half of what it earns is known."""
    return critic[ids[:, 1:]]


def look_up(critic: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    return critic[ids[:, :-1]]


def critic_knows_all(look: Any) -> bool:
    """States are tokens; being in state s is worth critic[s], and each step earns the difference.

    Then nothing is ever better than foreseen: all advantages are 0, with a table that looks up the
    state in which each action was taken, and with no other.
    """
    critic = torch.tensor([0.0, 1.0, -2.0, 5.0])  # the last state of a row, 0, is worth nothing
    ids = torch.tensor([[3, 1, 2, 1, 0], [2, 2, 3, 3, 0]])
    values = critic[ids]
    rewards = values[:, :-1] - values[:, 1:]
    found = estimate_advantages(rewards, look(critic, ids), torch.ones(2, 4), gamma=1, lam=0.95)
    return bool(found.advantages.abs().max() < 1e-6)


def test_a_token_is_held_against_the_value_of_the_state_before_it() -> None:
    assert critic_knows_all(look_up)
    assert not critic_knows_all(look_up_late)


def test_explained_variance_is_one_for_a_seer_and_zero_for_the_mean() -> None:
    actual, mask = row(1, 2, 6, 50), row(1, 1, 1, 0)
    assert explained_variance(actual, actual, mask) == 1
    assert explained_variance(row(3, 3, 3, -9), actual, mask) == pytest.approx(0)
    assert explained_variance(actual + row(7, 7, 7, 0), actual, mask) == pytest.approx(1)
    assert (explained_variance(-actual, actual, mask) or 0) < 0
    assert explained_variance(actual, row(2, 2, 2, 9), mask) is None
    assert explained_variance(actual, actual, row(0, 0, 0, 0)) is None


def test_what_is_to_come_is_discounted_as_the_values_are() -> None:
    found = sum_to_come(row(*REWARDS), row(1, 1, 1, 1), gamma=0.9)
    torch.testing.assert_close(found, row(0.5 + 0.729, 0.81, 0.9, 1.0))
    assert explained_variance(found, found, row(1, 1, 1, 1)) == 1


def blames_all_of_a_wrong_one_alone(promise: float) -> bool:
    """Of two long completions, the first right: is no token of it blamed, and each of the other?"""
    mask, scores = torch.ones(2, 40), torch.tensor([1.0, 0.8])
    rewards = token_rewards(scores, torch.zeros(2, 40), mask, beta=0.0)
    found = estimate_advantages(rewards, torch.full((2, 40), promise), mask, gamma=1.0, lam=0.95)
    right, wrong = whiten(found.advantages, mask)
    return bool((right > 0).all() and (wrong < 0).all())


def test_a_first_promise_of_the_mean_blames_no_token_for_being_early() -> None:
    assert blames_all_of_a_wrong_one_alone(0.9)
    assert not blames_all_of_a_wrong_one_alone(0.0)  # what a head of zeros would do
