"""What the methods cost and where they end, as tables: the comparisons that guides print.

`METHOD_TRADEOFFS` follows the usual table of RLHF and DPO with the columns data, compute, stability
and limit, carried on to every method here; `SFT_OR_RFT` is the comparison of two ways to learn,
feature by feature.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tradeoff:
    """`plan`: the method's or recipe's name in `rft_core.config`."""

    plan: str
    method: str
    data: str
    compute: str
    stability: str
    limit: str


@dataclass(frozen=True)
class Contrast:
    feature: str
    sft: str
    rft: str


METHOD_TRADEOFFS: tuple[Tradeoff, ...] = (
    Tradeoff(
        "sft",
        "SFT",
        "prompts with the whole answer written out; best from about 1,000",
        "low: one model, no sampling",
        "good: it imitates, and memorises where examples are few",
        "cannot be better than what it is shown; many passes forget other tasks",
    ),
    Tradeoff(
        "grpo",
        "GRPO",
        "prompts and a way to check answers; from about 10",
        "moderate: no critic, but many completions per prompt",
        "good, as long as groups disagree and the reward cannot be gamed",
        "needs a base that is right at least sometimes",
    ),
    Tradeoff(
        "rloo",
        "RLOO",
        "as GRPO",
        "as GRPO",
        "an unbiased baseline: the mean of the others; KL stands in the reward",
        "as GRPO; rewards of very different size weigh differently",
    ),
    Tradeoff(
        "ppo",
        "PPO with a rule reward",
        "prompts and a way to check answers",
        "high: a value model beside the policy, several passes per sample",
        "sensitive to its settings; credit is given per token",
        "the value model must learn before it helps",
    ),
    Tradeoff(
        "reft",
        "ReFT (SFT, then PPO)",
        "worked answers for the warm-up, and a check of the final answer",
        "high, as PPO",
        "better than PPO alone: it starts from what it has imitated",
        "right answers by wrong reasoning are paid, in multiple choice above all",
    ),
    Tradeoff(
        "offline_st",
        "Offline self-training",
        "final answers and a check; nobody writes the reasoning",
        "low to moderate: one round of sampling, then SFT",
        "good: a fixed set; compare it with a random selection of equal size",
        "learns only what the base finds already, and nothing from what was wrong",
    ),
    Tradeoff(
        "online_st",
        "Online self-training",
        "worked answers and a check",
        "moderate: samples while it trains",
        "good with half of each step on gold; drifts without",
        "learns nothing from what was wrong",
    ),
    Tradeoff(
        "dpo",
        "DPO",
        "pairs: one answer preferred to another",
        "moderate: policy and reference",
        "more stable than RLHF, still needs many labels",
        "steers preferences, teaches no new task",
    ),
    Tradeoff(
        "rlhf",
        "RLHF (reward model, then PPO)",
        "ranked generations to train a reward model",
        "very high: policy, reference, critic and reward model",
        "often unstable: reward hacking, collapse",
        "steers preferences, teaches no new task",
    ),
)

SFT_OR_RFT: tuple[Contrast, ...] = (
    Contrast(
        "how it learns",
        "offline: matches the answers of a fixed set",
        "online: tries, is scored, and raises what scored well",
    ),
    Contrast(
        "data", "thousands of labelled examples", "10 to 100 prompts and a way to check answers"
    ),
    Contrast(
        "supervision",
        "prompts with answers that people wrote",
        "reward functions: right, well formed, compiles, passes tests",
    ),
    Contrast(
        "reasoning",
        "repeats patterns of the examples",
        "finds and keeps chains of thought that end right",
    ),
    Contrast(
        "new data", "train again from the start", "goes on learning from feedback on new prompts"
    ),
    Contrast(
        "risk of memorising",
        "high where examples are few",
        "lower: it never sees the answers; but it may learn to game the reward",
    ),
    Contrast(
        "cost",
        "people's time for labels; little compute",
        "few labels; compute for sampling, small with LoRA",
    ),
    Contrast(
        "fits",
        "style, format, translation, summaries",
        "code, mathematics, structured output, decisions that can be checked",
    ),
    Contrast(
        "used for",
        "following instructions, from curated collections such as FLAN and Alpaca; translation",
        "GPU kernels written from PyTorch, summaries of legal cases, rare diseases, finance",
    ),
)
