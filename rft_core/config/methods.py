"""The training methods, one row each: what a method needs, what it shows, who makes its trainer.

A row is data: pages, the command line and the checks before a launch read it without torch. Which
settings a method uses is said by the settings themselves (see `run_config`), and its trainer is
named as text, to be imported by the worker alone. To add a method, write one module with a
`make_trainer` and one row here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from rft_core.errors import NotFoundError, quote

# rollouts: learns from the completions that it samples. examples: learns from given completions.
Family = Literal["rollouts", "examples"]
# Each is looked at before a launch. groups: every step samples whole groups of num_generations.
Need = Literal["rewards", "groups", "gold"]


@dataclass(frozen=True)
class MetricPanel:
    """A chart of the Monitor page: the metric's name, its title, and what it means."""

    metric: str
    title: str
    help: str


@dataclass(frozen=True)
class Method:
    """`trainer` is "module:function"; `reference` says in words what KL is measured to, if it is.

    `policy_panels` stand beside the rewards on Monitor, `optimisation_panels` in a fold below.
    """

    name: str
    title: str
    summary: str
    family: Family
    needs: frozenset[Need]
    trainer: str
    policy_panels: tuple[MetricPanel, ...]
    optimisation_panels: tuple[MetricPanel, ...]

    @property
    def samples(self) -> bool:
        return self.family == "rollouts"


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
TOKEN_ACCURACY = MetricPanel(
    "mean_token_accuracy",
    "Token accuracy",
    "Share of the examples' tokens that the model would have chosen itself.",
)
GRAD_NORM = MetricPanel("grad_norm", "Gradient norm", "Before clipping. Spikes: unstable steps.")
LEARNING_RATE = MetricPanel("learning_rate", "Learning rate", "After warm-up and schedule.")
STEP_TIME = MetricPanel("step_time", "Step time", "Seconds per step, all that it does included.")

ROLLOUT_PANELS = (KL, ENTROPY, LENGTH, TRUNCATED, ZERO_VARIANCE)
ROLLOUT_OPTIMISATION = (POLICY_LOSS, GRAD_NORM, LEARNING_RATE, STEP_TIME)

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
    "sft": Method(
        "sft",
        "SFT",
        "Learns given completions word for word: a column, chat turns, or what the task writes.",
        "examples",
        frozenset({"gold"}),
        "rft_core.training.sft:make_trainer",
        (EXAMPLE_LOSS, TOKEN_ACCURACY, ENTROPY, LENGTH, TRUNCATED),
        (GRAD_NORM, LEARNING_RATE, STEP_TIME),
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
