"""Data that teaches nothing: no group with a difference, cut-off completions, still weights.

All wrong and all right are one symptom, groups without variance, with opposite cures.
"""

from __future__ import annotations

import numpy as np

from rft_core.config.stages import RECIPES
from rft_core.diagnosis.doctor.drift import find_collapse
from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import (
    FEW,
    WINDOW,
    Level,
    first_level,
    first_share,
    fit_line,
    mean_level,
    share_level,
)
from rft_core.diagnosis.finding import Finding
from rft_core.diagnosis.flat_reward import FLAT
from rft_core.types import Severity

NOTHING = "Nothing to learn from"
MANY_DEAD, ALMOST_ALL = 0.5, 0.9  # of the groups, or of the completions
ENOUGH_GROUPS = 64  # or a window of steps: fewer say too little of the prompts not drawn yet
PINNED_LOW, PINNED_HIGH = 0.15, 0.85  # share of a function's full score
MANY_CUT, SOME_CUT, CUT_AT_THE_END = 0.5, 0.05, 0.2
GROWN = 3.0  # times the share of the first steps
STILL = 1e-3  # of their own length, over the whole run: nobody would see the difference
RATE_IS_UP = 0.5  # of its peak: before that a small step proves nothing

TOO_HARD = (
    "Make the first success easier to reach (partial credit, easier prompts, more completions in a "
    f"group), or begin with examples: stages='{RECIPES['sft_grpo']}', which the chooser on "
    "Overview sets up. Check the grader on a few completions first: one that is too strict looks "
    "the same."
)
TOO_EASY = (
    "The prompts are too easy or the reward too coarse for this model: use harder prompts, or a "
    "reward with more than one level."
)
GO_BACK = (
    "It has earned more before: fork from a checkpoint of that time, with a lower learning_rate or "
    "a higher beta."
)


def find_flat(evidence: RunEvidence) -> Finding | None:
    """What the completions themselves say, sooner and more exactly than any curve."""
    flat = evidence.flat
    if flat is None:
        return None
    summary, _, rest = flat.what.partition(". ")
    return Finding(FLAT, flat.severity, NOTHING, f"{summary}.", rest or summary, flat.fix)


def find_no_variance(evidence: RunEvidence) -> Finding | None:
    values = evidence.values("frac_reward_zero_std")
    dead = share_level(values, evidence.num_groups)
    if dead is None or dead.low < MANY_DEAD:
        return None
    if dead.steps < WINDOW and dead.steps * evidence.num_groups < ENOUGH_GROUPS:
        return None
    if evidence.groups and _are_identical(evidence):
        return None  # `find_identical` knows why
    kind, pinned = find_pinned_side(evidence)
    if kind == "all_right" and has_learned(evidence):
        return None  # it has learned what there was: `advice.py` says so
    reward = mean_level(evidence.values("reward"), least=2)
    mean = f"{reward.mean:.2f}" if reward else "not recorded"
    what = {
        "all_wrong": "nearly every completion is wrong",
        "all_right": "nearly every completion is right",
        "no_variance": "the completions of a prompt all earn the same",
    }[kind]
    return Finding(
        kind,
        "error" if dead.low >= ALMOST_ALL else "warning",
        NOTHING if kind == "no_variance" else f"{NOTHING}: {kind.replace('_', ' ')}",
        f"In {dead.mean:.0%} of the groups all completions got the same reward: {what}, and such a "
        "group has no gradient.",
        f"Over the last {dead.steps} steps {dead.percent} of the groups had no variance, with a "
        f"mean reward of {mean}{pinned}. Of what is sampled, "
        f"{1 - dead.mean:.0%} teaches.",
        _choose_cure(kind, evidence),
        missing=() if evidence.num_groups else ("the size of a batch",),
    )


def _choose_cure(kind: str, evidence: RunEvidence) -> str:
    reward = evidence.values("reward")
    if kind == "all_wrong" and find_collapse(evidence):
        return GO_BACK
    pays = len(reward) > 0 and float(reward[-WINDOW:].mean()) > 0
    return TOO_EASY if kind == "all_right" or (kind == "no_variance" and pays) else TOO_HARD


def find_pinned_side(evidence: RunEvidence) -> tuple[str, str]:
    """Whether what is paid for is nearly never or nearly always earned; with the figures."""
    earned = evidence.earned
    if not earned:
        reward = evidence.values("reward")
        low = len(reward) > 0 and float(reward[-WINDOW:].mean()) <= 0
        return ("all_wrong" if low else "no_variance"), ""
    shown = "; earned of their full scores: " + ", ".join(
        f"{name} {share:.0%}" for name, share in earned.items()
    )
    if min(earned.values()) <= PINNED_LOW:
        return "all_wrong", shown
    if min(earned.values()) >= PINNED_HIGH:
        return "all_right", shown
    return "no_variance", shown


def has_learned(evidence: RunEvidence) -> bool:
    """Whether the reward has risen since the first steps, beyond what steps differ by."""
    reward = evidence.values("reward")
    before, now = first_level(reward), mean_level(reward)
    return before is not None and now is not None and now.low > before.high


def _are_identical(evidence: RunEvidence) -> bool:
    seen = evidence.groups
    if seen is None or not seen.groups:
        return False
    level = share_level(np.array([seen.identical / seen.groups]), seen.groups)
    return level is not None and level.low >= MANY_DEAD


def find_identical(evidence: RunEvidence) -> Finding | None:
    """One text over and over: a lack of sampling, whatever the reward says of it."""
    seen = evidence.groups
    if seen is None or not _are_identical(evidence):
        return None
    if find_pinned_side(evidence)[0] == "all_right" and has_learned(evidence):
        return None
    temperature = evidence.config.temperature if evidence.config else None
    cold = temperature is not None and temperature < 0.3
    return Finding(
        "identical",
        "error",
        "A prompt's completions are all the same",
        f"In {seen.identical} of {seen.groups} groups of late every completion is the same text, "
        "so there is nothing to compare.",
        f"{seen.identical} of {seen.groups} groups of the newest steps hold one distinct text. "
        + (
            f"temperature is {temperature:g}: the likeliest token is taken nearly every time."
            if cold
            else "The policy is sure of every token: its entropy has gone."
        ),
        "Sample at a temperature near 1."
        if cold
        else "Fork from an earlier checkpoint with a lower learning_rate, a higher beta or an "
        "entropy_coef, or sample at a higher temperature.",
    )


def find_truncation(evidence: RunEvidence) -> Finding | None:
    values = evidence.values("completions/clipped_ratio")
    cut = share_level(values, evidence.batch_size)
    if cut is None:
        return None
    if evidence.batch_size:  # a jump is in the last steps before it fills the window
        last = share_level(values, evidence.batch_size, FEW)
        cut = last if last and len(values) >= FEW and last.low > cut.low else cut
    if cut.low >= MANY_CUT:
        return _truncated("error" if cut.low >= ALMOST_ALL else "warning", cut, "", evidence)
    return _find_rising_truncation(evidence, cut)


def _find_rising_truncation(evidence: RunEvidence, cut: Level) -> Finding | None:
    """On its way: several times what it was, still rising, and many by the end of the run."""
    values = evidence.values("completions/clipped_ratio")
    before = first_share(values, evidence.batch_size)
    line = fit_line(values[len(values) // 2 :], least=2 * WINDOW)
    left = evidence.steps_left
    if before is None or line is None or left is None or not line.rises:
        return None
    at_the_end = line.end + line.slope * left
    if cut.low < SOME_CUT or cut.low < GROWN * before.high or at_the_end < CUT_AT_THE_END:
        return None
    more = (
        f" It was {before.mean:.1%} at first and rises by {100 * line.slope:.1%} every 100 steps: "
        f"at this pace {min(at_the_end, 1):.0%} at step {evidence.max_steps}."
    )
    return _truncated("warning", cut, more, evidence)


def _truncated(severity: Severity, cut: Level, more: str, evidence: RunEvidence) -> Finding:
    limit = evidence.config.max_completion_length if evidence.config else None
    return Finding(
        "truncated",
        severity,
        "Completions are cut off",
        f"{cut.mean:.0%} of the completions end at the length limit before they are finished: "
        "what they earn measures the limit.",
        f"Over the last {cut.steps} steps {cut.percent} reached the limit"
        + (f" of {limit} tokens." if limit else ".")
        + more,
        "Raise max_completion_length, learn nothing from what was cut (mask_truncated_completions),"
        " or reward shorter completions.",
    )


def find_zero_gradient(evidence: RunEvidence) -> Finding | None:
    """Exactly zero, although groups differ: what is trained is not what was computed with."""
    norms, dead = evidence.values("grad_norm"), evidence.values("frac_reward_zero_std")
    if len(norms) < FEW or norms[-WINDOW:].any():
        return None
    recent = norms[-WINDOW:]
    if not evidence.samples:
        cause = "The loss does not depend on any trained weight, or the examples have no tokens."
    elif len(dead) >= len(recent) and (dead[-len(recent) :] < 1).all():
        cause = "Groups differ, so there is something to learn; none of it reaches the weights."
    else:
        return None  # there is nothing to learn: `find_no_variance` says so
    return Finding(
        "zero_gradient",
        "error",
        "No gradient reaches the weights",
        f"The gradient was exactly zero in each of the last {len(recent)} steps.",
        f"grad_norm is 0 in {len(recent)} of {len(recent)} steps. {cause}",
        "Check target_modules (do these layers exist in the model?), mask_truncated_completions, "
        "and that advantages are not all clipped away.",
    )


def find_still_weights(evidence: RunEvidence) -> Finding | None:
    """A forgotten adapter: there is a gradient, and the weights stay where they are."""
    moved, rates = evidence.get("update_ratio"), evidence.get("learning_rate")
    if moved is None or rates is None or len(moved.value) != len(rates.value):
        return None
    peak = evidence.config.learning_rate if evidence.config else float(rates.value.max())
    at_work = moved.value[rates.value >= RATE_IS_UP * peak] if peak else moved.value
    if len(at_work) < FEW or not evidence.max_steps:
        return None
    farthest = float(at_work.max())
    whole = farthest * (evidence.max_steps - evidence.first_step)
    norms = evidence.values("grad_norm")
    if whole >= STILL or not norms[-WINDOW:].any():
        return None
    return Finding(
        "weights_still",
        "error",
        "The weights do not move",
        "A step changes the trained weights by next to nothing, so nothing is being trained.",
        f"The largest of {len(at_work)} steps moved them by {farthest:.1e} of their own length; "
        f"{evidence.max_steps - evidence.first_step} such steps, all in one direction, would move "
        f"them by {whole:.1e}. The learning rate is {float(rates.value[-1]):.1e}, the gradient's "
        f"norm {float(norms[-1]):.2g}.",
        "Raise learning_rate (5e-4 suits the LoRA of small models, 1e-5 of large ones).",
    )


RULES = (
    find_flat,
    find_identical,
    find_no_variance,
    find_truncation,
    find_zero_gradient,
    find_still_weights,
)
