"""How the policy is updated: the loss. What makes a step of its gradient is `optimizer.py`'s."""

from typing import Literal

from rft_core.config.fields import OrNone, declare
from rft_core.config.settings.frozen import Frozen


class UpdateSettings(Frozen):
    learning_rate: float = declare(
        "Policy update", 5e-4, "Peak learning rate.", trl=True, ge=1e-9, le=0.1
    )
    beta: float = declare(
        "Policy update", 0.001, "Weight of the KL term to the reference.",
        methods=("rollouts", "dpo"), trl=True, ge=0, le=1,
    )  # fmt: skip
    reference: Literal["base", "stage_start"] = declare(
        "Policy update", "base",
        "What KL is measured to: the base model (adapter off), or the policy that this stage "
        "began with (what SFT or a fork's parent left).",
        methods=("rollouts", "dpo"), advanced=True,
    )  # fmt: skip
    epsilon: float = declare(
        "Policy update", 0.2, "Clipping range of the ratio.",
        methods=("rollouts",), trl=True, ge=1e-6, lt=1,
    )  # fmt: skip
    epsilon_high: OrNone[float] = declare(
        "Policy update", None, "Upper clipping range; empty: epsilon.",
        methods=("rollouts",), trl=True, ge=1e-6, le=10, advanced=True,
    )  # fmt: skip
    num_iterations: int = declare(
        "Policy update", 1, "Updates per generation batch (mu in the paper).",
        methods=("rollouts",), trl=True, ge=1, le=16, advanced=True,
    )  # fmt: skip
    gamma: float = declare(
        "Policy update", 1.0, "How much a reward counts one token earlier.",
        methods=("ppo",), ge=0, le=1, advanced=True,
    )  # fmt: skip
    lam: float = declare(
        "Policy update", 0.95,
        "Lambda of the advantages: 1 trusts the rewards that came, 0 the values alone.",
        methods=("ppo",), ge=0, le=1, advanced=True,
    )  # fmt: skip
    vf_coef: float = declare(
        "Policy update", 0.1, "Weight of the value loss beside the policy's.",
        methods=("ppo",), ge=0, le=100,
    )  # fmt: skip
    cliprange_value: float = declare(
        "Policy update", 0.2, "How far a value may move in the updates of one rollout.",
        methods=("ppo",), ge=1e-6, le=1000, advanced=True,
    )  # fmt: skip
    value_learning_rate: OrNone[float] = declare(
        "Policy update", None, "Peak learning rate of the value head; empty: 10 x learning_rate.",
        methods=("ppo",), ge=1e-9, le=1, advanced=True,
    )  # fmt: skip
    missing_eos_penalty: float = declare(
        "Policy update", 0.0, "Taken off the reward of a completion that was cut off.",
        methods=("ppo",), ge=0, le=1000, advanced=True,
    )  # fmt: skip
    loss_type: Literal[
        "grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "luspo", "vespo"
    ] = declare(
        "Policy update", "grpo",
        "How token losses are clipped and averaged. luspo wants importance_sampling_level "
        "sequence; cispo an epsilon_high of about 5; vespo weighs whole sequences by itself.",
        methods=("grpo",), trl=True,
    )  # fmt: skip
    importance_sampling_level: Literal["token", "sequence"] = declare(
        "Policy update", "token", "A ratio for each token, or for each sequence (GSPO).",
        methods=("grpo",), trl=True, advanced=True,
    )  # fmt: skip
    scale_rewards: Literal["group", "batch", "none"] = declare(
        "Policy update", "group", "Divide advantages by the std of the group, the batch, or not.",
        methods=("grpo",), trl=True,
    )  # fmt: skip
    mask_truncated_completions: bool = declare(
        "Policy update", False, "Learn nothing from completions that were cut off.",
        methods=("grpo", "rloo"), trl=True, advanced=True,
    )  # fmt: skip
    top_entropy_quantile: float = declare(
        "Policy update", 1.0, "Learn from this share of the tokens, the most undecided; 1: all.",
        methods=("grpo",), trl=True, ge=0, le=1, advanced=True,
    )  # fmt: skip
    entropy_coef: float = declare(
        "Policy update", 0.0, "Weight of a bonus for the policy's entropy; 0: none.",
        methods=("grpo",), trl=True, ge=0, le=1, advanced=True,
    )  # fmt: skip
    preference_loss: Literal["sigmoid", "sigmoid_norm", "ipo", "hinge", "robust"] = declare(
        "Policy update", "sigmoid",
        "DPO's loss. sigmoid: the paper's; sigmoid_norm: per token, so that length cannot pay; "
        "ipo: a margin to reach, not to exceed; robust: for labels of which some are wrong.",
        methods=("dpo",), advanced=True,
    )  # fmt: skip
    label_smoothing: float = declare(
        "Policy update", 0.0, "Share of the pairs that are held to be labelled wrong (robust).",
        methods=("dpo",), trl=True, ge=0, lt=0.5, advanced=True,
    )  # fmt: skip
    center_rewards_coefficient: float = declare(
        "Policy update", 0.01, "How firmly a reward model's scores are kept around zero.",
        methods=("reward_model",), trl=True, ge=0, le=10, advanced=True,
    )  # fmt: skip
    reward_model_observed_steps: int = declare(
        "Policy update", 0,
        "Steps of a stage in which a reward model's score is only looked at, with weight 0.",
        methods=("rollouts",), ge=0, le=1_000_000, advanced=True,
    )  # fmt: skip
    stop_when_overoptimised: bool = declare(
        "Policy update", True,
        "End the run where a reward model's score rises while the rules that say what is right "
        "fall.",
        methods=("rollouts",), advanced=True,
    )  # fmt: skip
