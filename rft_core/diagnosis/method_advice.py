"""Which method fits: answers about the situation become one method, its reasons, and a launch.

The rules are those of practitioners: reinforcement below about 1,000 labelled examples and from
about 10, imitation where labels abound (Predibase's guide); a warm-up by imitation where the reward
is flat; warm-up and PPO where labels come with reasoning (ReFT); DPO or RLHF where there are only
preferences. The advice says its reasons, so that people can disagree with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rft_core.config.methods import METHODS
from rft_core.config.stages import RECIPES

MANY_LABELS = 1_000
FEW_PROMPTS = 10
# How often the base is right today. unknown: a dry run tells.
BaseSkill = Literal["never", "sometimes", "often", "unknown"]


@dataclass(frozen=True)
class Situation:
    """`verifiable`: a program can check an answer. `labels`: examples with a right answer.

    `worked`: the labels show the reasoning, or are whole completions; else they are final answers.
    `reasoning`: thinking step by step helps. `preferences`: people can rank answers.
    """

    verifiable: bool
    labels: int
    reasoning: bool
    preferences: bool
    base: BaseSkill = "unknown"
    worked: bool = False


@dataclass(frozen=True)
class Alternative:
    """Another method or recipe, with when it is the better one; `plan` as in `Advice`."""

    plan: str
    when: str

    @property
    def settings(self) -> Mapping[str, Any]:
        return launch_settings(self.plan)


@dataclass(frozen=True)
class Advice:
    """`plan`: a method or recipe by name; "" where there is nothing to train yet.

    `settings`: for the Train page, so that the launch is ready; empty where there is no plan.
    """

    method: str
    reasons: tuple[str, ...]
    next_step: str
    plan: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    instead: tuple[Alternative, ...] = ()


OFFLINE = Alternative(
    "offline_st", "Offline self-training: imitate its own right answers; stable, explores less."
)
ONLINE = Alternative(
    "sft_online_st", "SFT, then Online-ST: imitate fresh right answers; wrong ones teach nothing."
)
WARMED_GRPO = Alternative("sft_grpo", "SFT, then GRPO: the same idea without a value model.")
EXPLORING = Alternative(
    "grpo", "GRPO: goes on sampling while it learns, and learns from what was wrong, too."
)
BOTH = Alternative("offline_st_grpo", "Offline-ST, then GRPO: a warm-up that nobody had to write.")
RLHF = Alternative(
    "rlhf",
    "RLHF (rankings, a reward model, then PPO): where the policy should go on exploring; watch "
    "length and true quality beside the score.",
)
EASIER = Alternative("", "Easier prompts first, so that a few tries are right without a warm-up.")


def advise(situation: Situation) -> Advice:
    """The method that fits best, with the reasons in words."""
    if situation.verifiable:
        return _advise_verifiable(situation)
    if situation.preferences:
        return _plan(
            "dpo",
            "Preference tuning (DPO)",
            (
                "No program can tell right from wrong, but people can rank answers.",
                "It learns from pairs alone: no reward model, no sampling while it trains.",
            ),
            "Collect chosen / rejected pairs, and train on them.",
            instead=(RLHF,),
        )
    if situation.labels >= FEW_PROMPTS:
        return _plan(
            "sft",
            "Supervised fine-tuning (SFT)",
            (
                "Answers cannot be checked by a program, so there is no reward to learn from.",
                f"{situation.labels:,} labelled examples can be imitated.",
            ),
            "Hold some examples back, and watch for memorising when there are few.",
        )
    return Advice(
        "Neither yet",
        ("There is nothing to learn from: no check, no rankings, hardly any labels.",),
        "Find a check: a test, a schema, a reference answer, a judge with a rubric.",
    )


def _advise_verifiable(situation: Situation) -> Advice:
    if situation.base == "never":
        return _advise_flat(situation)
    if situation.labels >= MANY_LABELS and not situation.reasoning:
        return _plan(
            "sft",
            "Supervised fine-tuning (SFT), then RFT if it stalls",
            (
                f"{situation.labels:,} labelled examples are enough to imitate.",
                "The task gains little from reasoning, so exploring adds little.",
            ),
            "Train SFT first; keep the check as the measure on held-out prompts.",
        )
    if situation.worked and situation.labels >= FEW_PROMPTS and situation.reasoning:
        return _advise_worked(situation)
    if not situation.worked and situation.labels >= MANY_LABELS:
        return _advise_answers(situation)
    reasons = ["A program can verify answers: that is all GRPO needs; labels are optional."]
    if situation.labels < MANY_LABELS:
        reasons.append("With few labels SFT tends to memorise; RFT works from about 10 prompts.")
    if situation.reasoning:
        reasons.append("Step-by-step reasoning helps here, and RFT sharpens reasoning by trying.")
    if situation.labels >= MANY_LABELS:
        reasons.append("Your many labels make a good SFT warm-up before RFT.")
    if situation.base == "often":
        reasons.append("Groups that are all right teach nothing: keep the prompts it still misses.")
    return _plan(
        "grpo",
        "Reinforcement fine-tuning (RFT) by GRPO",
        tuple(reasons),
        "Upload prompts, write the check as a reward, and dry-run it on the base model.",
        instead=(OFFLINE,) if situation.labels else (),
    )


def _advise_flat(situation: Situation) -> Advice:
    """Where every group earns nothing there is no gradient: something must be right first."""
    flat = "The base is never right: every group earns the same, so there is no gradient."
    if situation.labels >= FEW_PROMPTS:
        bare = "Bare answers teach the form alone: write the way there for ten of them."
        is_bare = situation.reasoning and not situation.worked
        return _plan(
            "sft_grpo",
            "A warm-up by imitation, then GRPO",
            (
                flat,
                f"{situation.labels:,} examples can show the form first; then some tries are right "
                "and the reward has something to tell apart.",
                *([bare] if is_bare else []),
            ),
            "Train the two stages; the second one's reward should rise from its first steps on.",
            instead=(EASIER,),
        )
    return Advice(
        "Easier prompts, or a finer reward",
        (flat, "There are no examples to imitate, so neither SFT nor RFT can begin."),
        "Write ten worked answers, make prompts that it solves one time in eight, or pay for parts "
        "of the way (form, compiling, a test of several); then dry-run again.",
    )


def _advise_worked(situation: Situation) -> Advice:
    """ReFT's own case: chains of thought to warm up on, and a check of the final answer."""
    often = "often" if situation.base == "often" else "sometimes"
    right = "It is not known yet how often the base is right: a dry run tells."
    if situation.base != "unknown":
        right = f"The base is {often} right, so that sampling finds other ways that work."
    return _plan(
        "reft",
        "ReFT: SFT on the worked answers, then PPO with your check",
        (
            f"{situation.labels:,} labels show the reasoning: a short SFT makes the form known.",
            right,
            "SFT alone knows one way per question; PPO learns from all that end right.",
        ),
        "Two passes of SFT, then PPO on the same questions; no reward model is trained.",
        instead=(WARMED_GRPO, ONLINE),
    )


def _advise_answers(situation: Situation) -> Advice:
    """Gold answers without the way there, and a grader: the model writes the ways itself."""
    return _plan(
        "offline_st",
        "Self-training (Offline-ST): sample, keep what the check calls right, imitate it",
        (
            f"{situation.labels:,} final answers and a check, but nobody wrote the reasoning.",
            "Sampled once and filtered it becomes a set to imitate: stable, and cheap to repeat.",
        ),
        "Sample several answers per prompt, keep at most ten right ones each, train from the base.",
        instead=(EXPLORING, BOTH),
    )


def _plan(
    name: str,
    method: str,
    reasons: tuple[str, ...],
    step: str,
    *,
    instead: tuple[Alternative, ...] = (),
) -> Advice:
    return Advice(method, reasons, step, name, launch_settings(name), instead)


def launch_settings(plan: str) -> dict[str, Any]:
    """What the Train page is filled with; empty for no plan."""
    if not plan:
        return {}
    if plan in RECIPES:
        return {"stages": RECIPES[plan]}
    return {"method": plan, "stages": "", **METHODS[plan].suited}
