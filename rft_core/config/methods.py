"""The training methods, one row each: what a method needs, what it shows, who makes its trainer.

A row is data: pages, the command line and the checks before a launch read it without torch. Which
settings a method uses is said by the settings themselves (see `run_config`), and its trainer is
named as text, to be imported by the worker alone. To add a method, write one module with a
`make_trainer` and one row here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rft_core.errors import NotFoundError, quote

# rollouts: learns from the completions that it samples, by their rewards. examples: learns given
# completions. self_training: learns those of its own completions that are right, word for word.
# pairs: learns which of two completions is preferred.
Family = Literal["rollouts", "examples", "self_training", "pairs"]
# Each is looked at before a launch. groups: every step samples whole groups of num_generations.
# pairs: a pair set.
Need = Literal["rewards", "groups", "gold", "pairs"]
# What its adapter is: one that answers, or one that (with its head) judges answers.
Leaves = Literal["policy", "reward_model"]


@dataclass(frozen=True)
class MetricPanel:
    """A chart of the Monitor page: the metric's name, its title, and what it means."""

    metric: str
    title: str
    help: str


@dataclass(frozen=True)
class Method:
    """`trainer` is "module:function".

    `policy_panels` stand beside the rewards on Monitor, `optimisation_panels` in a fold below.
    `suited`: settings whose defaults do not suit this method, with values that do. `samples_first`:
    it samples once, of all prompts, before its first step, and not in every step. A stage begins
    with the newest policy that the stages before it have left: a reward model is none.
    """

    name: str
    title: str
    summary: str
    family: Family
    needs: frozenset[Need]
    trainer: str
    policy_panels: tuple[MetricPanel, ...]
    optimisation_panels: tuple[MetricPanel, ...]
    suited: Mapping[str, Any] = field(default_factory=dict)
    leaves: Leaves = "policy"
    samples_first: bool = False

    @property
    def samples(self) -> bool:
        """Whether it learns from completions of its own."""
        return self.family in ("rollouts", "self_training")

    @property
    def samples_each_step(self) -> bool:
        return self.samples and not self.samples_first


KL = MetricPanel(
    "kl",
    "KL to the reference",
    "How far the policy has moved from the reference (the base model with the adapter off, or the "
    "policy that this stage began with, as `reference` says), in nats per token. A slow rise is "
    "learning, a jump is trouble.",
)
ENTROPY = MetricPanel(
    "entropy",
    "Entropy",
    "How undecided the policy is about its next token. It falls as the model grows sure; at "
    "zero it no longer explores.",
)
LENGTH = MetricPanel(
    "completions/mean_length",
    "Completion length",
    "Mean tokens per completion. Watch it beside the reward: padding and giving up early both "
    "show here first.",
)
TRUNCATED = MetricPanel(
    "completions/clipped_ratio",
    "Truncated share",
    "Share of completions that hit the length limit before they ended.",
)
ZERO_VARIANCE = MetricPanel(
    "frac_reward_zero_std",
    "Zero-variance share",
    "Share of groups whose completions all earned the same reward: they teach nothing.",
)
POLICY_LOSS = MetricPanel(
    "loss", "Loss", "The policy-gradient loss. It hovers around zero: read the rewards."
)
EXAMPLE_LOSS = MetricPanel(
    "loss",
    "Loss",
    "Mean negative log-likelihood of the examples' tokens, in nats: it should fall.",
)
LEARNED = MetricPanel(
    "learned",
    "Learned of its own",
    "How many of the sampled completions are learned: those that are right and distinct, or as "
    "many at random where the selection is random. At zero nothing but gold is learned.",
)
TOKEN_ACCURACY = MetricPanel(
    "mean_token_accuracy",
    "Token accuracy",
    "Share of the examples' tokens that the model would have chosen itself.",
)
PAIR_LOSS = MetricPanel(
    "loss", "Loss", "It begins at log 2 = 0.69, where either answer of a pair is as likely chosen."
)
PAIR_ACCURACY = MetricPanel(
    "pairs/accuracy",
    "Pairs in order",
    "Share of the pairs whose chosen answer is held to be the better one; half by chance. The "
    "held-out pairs are the ones to read.",
)
PAIR_MARGIN = MetricPanel(
    "pairs/margin",
    "Margin",
    "How far the chosen answer is put above the rejected one, on average.",
)
CHOSEN = MetricPanel(
    "pairs/chosen",
    "Reward of chosen",
    "beta times how much likelier than under the reference the chosen answers have become. Where "
    "it falls while the margin rises, good answers become rarer too, only less so than bad ones.",
)
REJECTED = MetricPanel(
    "pairs/rejected",
    "Reward of rejected",
    "beta times how much likelier than under the reference the rejected answers have become.",
)
SCORES = MetricPanel(
    "pairs/mean_score", "Mean score", "Of all answers of a batch. It should stay near zero."
)
LONGER_WINS = MetricPanel(
    "pairs/longer_wins",
    "The longer one wins",
    "Share of the held-out pairs that this rule alone puts in order: what any judge has to beat.",
)
GRAD_NORM = MetricPanel("grad_norm", "Gradient norm", "Before clipping. Spikes: unstable steps.")
UPDATE_RATIO = MetricPanel(
    "update_ratio",
    "Weight change",
    "How far a step moves the trained weights, as a share of their own length. A few thousandths "
    "are usual; next to nothing trains nothing, and a tenth forgets what was learned.",
)
LEARNING_RATE = MetricPanel("learning_rate", "Learning rate", "After warm-up and schedule.")
STEP_TIME = MetricPanel("step_time", "Step time", "Seconds per step, all that it does included.")

EXPLAINED_VARIANCE = MetricPanel(
    "value/explained_variance",
    "Explained variance",
    "Share of the variance of the rewards to come that the value head foresees, token by token: 1 "
    "is all, 0 no more than their mean. It should rise; below zero the values mislead.",
)
VALUE_LOSS = MetricPanel(
    "value/loss", "Value loss", "How far the values are from what they should have been, squared."
)
VALUE = MetricPanel(
    "value/mean", "Mean value", "The reward that the value head promises on average."
)
SEQUENCE_KL = MetricPanel(
    "kl/sequence",
    "KL per completion",
    "KL to the reference over whole completions, in nats, as it is taken off the reward.",
)
CLIPPED = MetricPanel(
    "clip_ratio/region_mean",
    "Clip fraction",
    "Share of tokens whose ratio went as far as one batch may carry it. Above 0.3: too fast.",
)
RATIO = MetricPanel(
    "ratio/mean",
    "Ratio",
    "Mean probability of the sampled tokens now, beside that when they were sampled: 1 at the "
    "first update of a batch.",
)
PPO_LOSS = MetricPanel(
    "policy_loss", "Policy loss", "Of the policy alone. It hovers around zero: read the rewards."
)

ROLLOUT_PANELS = (KL, ENTROPY, LENGTH, TRUNCATED, ZERO_VARIANCE)
ROLLOUT_OPTIMISATION = (POLICY_LOSS, GRAD_NORM, UPDATE_RATIO, LEARNING_RATE, STEP_TIME)
EXAMPLE_PANELS = (EXAMPLE_LOSS, TOKEN_ACCURACY, ENTROPY, LENGTH, TRUNCATED)
EXAMPLE_OPTIMISATION = (GRAD_NORM, UPDATE_RATIO, LEARNING_RATE, STEP_TIME)

METHODS: dict[str, Method] = {
    "grpo": Method(
        "grpo",
        "GRPO",
        "Samples groups of completions and raises those that earn more than their group's mean.",
        "rollouts",
        frozenset({"rewards", "groups"}),
        "rft_core.training.grpo:make_trainer",
        ROLLOUT_PANELS,
        ROLLOUT_OPTIMISATION,
    ),
    "rloo": Method(
        "rloo",
        "RLOO",
        "Holds each completion against the mean of the others of its group, KL in the reward.",
        "rollouts",
        frozenset({"rewards", "groups"}),
        "rft_core.training.rloo:make_trainer",
        ROLLOUT_PANELS,
        ROLLOUT_OPTIMISATION,
    ),
    "ppo": Method(
        "ppo",
        "PPO",
        "Holds each token against what a value head foresaw, KL in the reward; ReFT after SFT.",
        "rollouts",
        frozenset({"rewards"}),
        "rft_core.training.ppo.trainer:make_trainer",
        (KL, ENTROPY, LENGTH, TRUNCATED, EXPLAINED_VARIANCE, VALUE),
        (
            PPO_LOSS,
            VALUE_LOSS,
            CLIPPED,
            RATIO,
            SEQUENCE_KL,
            GRAD_NORM,
            UPDATE_RATIO,
            LEARNING_RATE,
            STEP_TIME,
        ),
        {"num_iterations": 2, "beta": 0.01},
    ),
    "sft": Method(
        "sft",
        "SFT",
        "Learns given completions word for word: a column, chat turns, or what the task writes.",
        "examples",
        frozenset({"gold"}),
        "rft_core.training.sft:make_trainer",
        EXAMPLE_PANELS,
        EXAMPLE_OPTIMISATION,
    ),
    "offline_st": Method(
        "offline_st",
        "Offline-ST",
        "Samples every prompt once, then learns the right completions and gold, from the base.",
        "self_training",
        frozenset({"rewards"}),
        "rft_core.training.self_training.offline_st:make_trainer",
        EXAMPLE_PANELS,
        EXAMPLE_OPTIMISATION,
        {"num_generations": 32},
        samples_first=True,
    ),
    "online_st": Method(
        "online_st",
        "Online-ST",
        "Samples in every step and learns what is right, beside the gold of the same prompts.",
        "self_training",
        frozenset({"rewards", "groups", "gold"}),
        "rft_core.training.self_training.online_st:make_trainer",
        (EXAMPLE_LOSS, LEARNED, *EXAMPLE_PANELS[1:]),
        EXAMPLE_OPTIMISATION,
    ),
    "dpo": Method(
        "dpo",
        "DPO",
        "Makes the preferred answer of each pair likelier than the other, against a reference.",
        "pairs",
        frozenset({"pairs"}),
        "rft_core.training.pairs.dpo:make_trainer",
        (PAIR_LOSS, PAIR_ACCURACY, PAIR_MARGIN, CHOSEN, REJECTED, LENGTH, TRUNCATED),
        (ENTROPY, GRAD_NORM, UPDATE_RATIO, LEARNING_RATE, STEP_TIME),
        suited={"beta": 0.1, "learning_rate": 1e-4, "per_device_train_batch_size": 16},
    ),
    "reward_model": Method(
        "reward_model",
        "Reward model",
        "Learns from pairs to score answers: for rerankings, as a reward, for RLHF.",
        "pairs",
        frozenset({"pairs"}),
        "rft_core.training.pairs.reward_model:make_trainer",
        (PAIR_LOSS, PAIR_ACCURACY, PAIR_MARGIN, LONGER_WINS, SCORES),
        (GRAD_NORM, UPDATE_RATIO, LEARNING_RATE, STEP_TIME),
        suited={"learning_rate": 1e-4, "per_device_train_batch_size": 16},
        leaves="reward_model",
    ),
}


def get_method(name: str) -> Method:
    """The method of that name; `NotFoundError` lists the names that exist."""
    if name not in METHODS:
        raise NotFoundError(
            f"There is no method named {quote(name):.60}", "", f"Choose from {', '.join(METHODS)}"
        )
    return METHODS[name]


def describe_methods() -> str:
    """One line for `--help`: every method with what it does."""
    return " ".join(f"{method.name}: {method.summary}" for method in METHODS.values())
