"""Advice, where nothing is wrong: a reward that is full or rises no more, slow steps, memory."""

from __future__ import annotations

import numpy as np

from rft_core.diagnosis.doctor.degenerate import find_pinned_side, has_learned
from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import WINDOW, first_level, fit_line, share_level
from rft_core.diagnosis.finding import Finding
from rft_core.store.phase_times import name_phase

SOME_DEAD = 0.4  # of the groups
LONG_ENOUGH = 5 * WINDOW  # steps before a plateau is one
FLAT_PART = 3  # the last third of the stage
STILL_GAINS = 0.1  # of what was gained so far
SLOWER = 3.0  # times what steps took at first
LITTLE_MEMORY = 0.05  # share of the machine's


def find_saturated(evidence: RunEvidence) -> Finding | None:
    dead = share_level(evidence.values("frac_reward_zero_std"), evidence.num_groups)
    if dead is None or dead.low < SOME_DEAD:
        return None
    side, shown = find_pinned_side(evidence)
    if side != "all_right" or not has_learned(evidence):
        return None
    return Finding(
        "saturated",
        "info",
        "These prompts are learned",
        f"{dead.mean:.0%} of the groups are all right by now: only the others still teach.",
        f"Over the last {dead.steps} steps {dead.percent} of the groups had no variance{shown}; "
        "the reward has risen since the first steps.",
        "Stop here, or go on with harder prompts: a fork keeps what was learned.",
    )


def find_plateau(evidence: RunEvidence) -> Finding | None:
    reward = evidence.values("reward")
    if not evidence.samples or len(reward) < LONG_ENOUGH:
        return None
    size = len(reward) // FLAT_PART
    late, before = fit_line(reward[-size:]), first_level(reward)
    if late is None or before is None:
        return None
    now = float(reward[-size:].mean())
    gained = now - before.mean
    if gained <= 0 or now < before.high:
        return None
    if late.high * size > STILL_GAINS * gained:
        return None
    return Finding(
        "plateau",
        "info",
        "The reward rises no more",
        f"It has stayed at {now:.2f} for the last {size} steps, after a gain of {gained:.2f}.",
        f"A line through the last {size} steps rises by at most {late.high * size:+.2g}, less than "
        f"{STILL_GAINS:.0%} of what was gained before.",
        "Evaluate what there is. More steps will not do it; harder or more prompts, a larger "
        "group, or a finer reward may.",
    )


def find_slow_steps(evidence: RunEvidence) -> Finding | None:
    """Which phase has grown, where a step takes several times what it took."""
    phases = evidence.step_phases
    if len(phases) < 2 * WINDOW:
        return None
    totals = np.array([sum(step.values()) for step in phases])
    before, now = float(np.median(totals[:-WINDOW])), float(totals[-WINDOW:].min())
    if before <= 0 or now < SLOWER * before:
        return None
    names = {name for step in phases for name in step}
    grown = {
        name: float(
            np.median([step.get(name, 0.0) for step in phases[-WINDOW:]])
            - np.median([step.get(name, 0.0) for step in phases[:-WINDOW]])
        )
        for name in names
    }
    worst = max(grown, key=lambda name: grown[name])
    usual = float(np.median(totals[-WINDOW:]))
    return Finding(
        "slow_steps",
        "info",
        "Its steps have become slow",
        f"A step takes {usual:.1f} s now and took {before:.1f} s: {name_phase(worst)} has grown "
        "most.",
        f"Each of the last {WINDOW} steps took at least {now:.1f} s, {now / before:.1f} times the "
        f"median of those before. {name_phase(worst)}: {grown[worst]:+.1f} s a step.",
        "See what else computes on this machine; of scoring, what the reward function waits for; "
        "of sampling, whether completions grow longer.",
        where=worst,
    )


def find_little_memory(evidence: RunEvidence) -> Finding | None:
    left = evidence.memory_left
    if left is None or left >= LITTLE_MEMORY:
        return None
    return Finding(
        "little_memory",
        "info",
        "Memory is nearly full",
        f"{left:.1%} of this machine's memory is left while it trains.",
        f"Below {LITTLE_MEMORY:.0%} of all the system begins to swap or to end processes.",
        "Use smaller batches with gradient_accumulation_steps, gradient_checkpointing, a shorter "
        "max_completion_length, or weights of fewer bits.",
    )


RULES = (find_saturated, find_plateau, find_slow_steps, find_little_memory)
