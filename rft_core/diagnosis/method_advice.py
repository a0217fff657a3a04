"""Which method fits: supervised or reinforcement fine-tuning? Rules as published by practitioners.

The thresholds are those that Predibase's guide gives (RFT below about 1,000 labelled examples and
from about 10; SFT where labels abound), the preference branch follows the usual comparison of RLHF
and DPO. The advice says its reasons, so that people can disagree with it.
"""

from __future__ import annotations

from dataclasses import dataclass

from rft_core.config.methods import METHODS

MANY_LABELS = 1_000
FEW_PROMPTS = 10


@dataclass(frozen=True)
class Situation:
    """`verifiable`: a program can check an answer. `labels`: examples with a right answer.
    `reasoning`: thinking step by step helps. `preferences`: people can rank answers."""

    verifiable: bool
    labels: int
    reasoning: bool
    preferences: bool


@dataclass(frozen=True)
class Advice:
    method: str
    reasons: tuple[str, ...]
    next_step: str


@dataclass(frozen=True)
class Tradeoff:
    method: str
    data: str
    compute: str
    stability: str
    limit: str


TRADEOFFS: tuple[Tradeoff, ...] = (
    Tradeoff(
        "RLHF (reward model + PPO)",
        "ranked generations to train a reward model",
        "very high: policy, reference, critic and reward model",
        "often unstable: reward hacking, collapse",
        "steers preferences, teaches no new task",
    ),
    Tradeoff(
        "DPO",
        "pairs: one answer preferred to another",
        "moderate: policy and reference",
        "more stable, still needs many labels",
        "steers preferences, teaches no new task",
    ),
    Tradeoff(
        "GRPO",
        "prompts and a way to check answers; from about 10",
        "moderate: no critic, but many completions per prompt",
        "good, as long as groups disagree and the reward cannot be gamed",
        "needs a base that is right at least sometimes",
    ),
    Tradeoff(
        "SFT",
        "prompts with the whole answer written out",
        "low: one model, no sampling",
        "good: it imitates, and cannot be better than what it is shown",
        "teaches form and new tasks; too many passes forget others",
    ),
)


def say_next(method: str, step: str) -> str:
    """The next step; where the method cannot be trained here yet, that is said first."""
    if method in METHODS:
        return step
    return f"Not yet in RFT Studio: {step[0].lower()}{step[1:]} Another tool can do it meanwhile."


def advise(situation: Situation) -> Advice:
    """The method that fits best, with the reasons in words."""
    if situation.verifiable:
        return _advise_verifiable(situation)
    if situation.preferences:
        return Advice(
            "Preference tuning (DPO, or RLHF with a reward model)",
            ("No program can tell right from wrong, but people can rank answers.",),
            say_next("dpo", "Collect chosen / rejected pairs, and train on them."),
        )
    if situation.labels >= FEW_PROMPTS:
        return Advice(
            "Supervised fine-tuning (SFT)",
            (
                "Answers cannot be checked by a program, so there is no reward to learn from.",
                f"{situation.labels:,} labelled examples can be imitated.",
            ),
            say_next(
                "sft", "Hold some examples back, and watch for memorising when there are few."
            ),
        )
    return Advice(
        "Neither yet",
        ("There is nothing to learn from: no check, no rankings, hardly any labels.",),
        "Find a check: a test, a schema, a reference answer, a judge with a rubric.",
    )


def _advise_verifiable(situation: Situation) -> Advice:
    if situation.labels >= MANY_LABELS and not situation.reasoning:
        return Advice(
            "Supervised fine-tuning (SFT), then RFT if it stalls",
            (
                f"{situation.labels:,} labelled examples are enough to imitate.",
                "The task gains little from reasoning, so exploring adds little.",
            ),
            say_next("sft", "Train SFT first; keep the check as the measure on held-out prompts."),
        )
    reasons = ["A program can verify answers: that is all GRPO needs; labels are optional."]
    if situation.labels < MANY_LABELS:
        reasons.append("With few labels SFT tends to memorise; RFT works from about 10 prompts.")
    if situation.reasoning:
        reasons.append("Step-by-step reasoning helps here, and RFT sharpens reasoning by trying.")
    if situation.labels >= MANY_LABELS:
        reasons.append("Your many labels make a good SFT warm-up before RFT.")
    return Advice(
        "Reinforcement fine-tuning (RFT)",
        tuple(reasons),
        "Upload prompts, write the check as a reward, and dry-run it on the base model.",
    )
