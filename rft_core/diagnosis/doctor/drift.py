"""A policy on a wrong way: too fast, too far, too sure, too long, or back to where it began."""

from __future__ import annotations

import math

import numpy as np

from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import (
    FEW,
    WINDOW,
    first_level,
    fit_line,
    mean_level,
    noise_beside_a_fall,
    steady_noise,
)
from rft_core.diagnosis.finding import Finding

FAR = 1.0  # nats per token: the policy shares little with the reference
ON_ITS_WAY = 0.45  # nats per token, where it grows faster and faster
FLOOR_SHARE = 0.1  # of the first steps' entropy: what is left explores no more
HALF_SPENT = 0.5
EXPLORED = 12  # steps before an entropy is judged
NOT_YET = 0.85  # of a full score: who earns more needs to explore no further
LOST = 0.4  # of the best reward so far ...
LOST_NOISE = 5.0  # ... and so many standard errors of the difference
TOO_FAST = 0.12  # of the weights' own length, in one step
FEW_STEPS = 4
CLIPPED = 0.2  # of the tokens
ONE_SIDED, SIDES = 0.1, 3.0
LONGER = 1.5  # times the first steps' length
EARNED_SHARE = 0.25  # of the growth in length has to come back as a better score
SPIKES, SPIKE_TIMES, SPIKE_SIGMAS = 3, 10.0, 8.0


def find_too_fast(evidence: RunEvidence) -> Finding | None:
    moved = mean_level(evidence.values("update_ratio"), FEW_STEPS, FEW)
    if moved is None:
        return None
    recent = evidence.values("update_ratio")[-FEW:]
    if recent.min() < TOO_FAST:
        return None
    rate = evidence.values("learning_rate")
    return Finding(
        "too_fast",
        "error",
        "Its steps are far too large",
        f"Each of the last {len(recent)} steps changed the trained weights by at least "
        f"{recent.min():.0%} of their own length: what was learned is overwritten.",
        "Change of the weights by step: "
        + ", ".join(f"{value:.0%}" for value in recent)
        + f". {TOO_FAST:.0%} is the bound; a few thousandths are usual."
        + (f" The learning rate is {rate[-1]:.2g}." if len(rate) else ""),
        "Launch it again with a learning_rate ten times smaller.",
    )


def find_kl_explosion(evidence: RunEvidence) -> Finding | None:
    values = evidence.values("kl")
    level = mean_level(values)
    if level is None:
        return None
    size = max(WINDOW, len(values) // 4)
    middle, end = fit_line(values[-2 * size : -size]), fit_line(values[-size:])
    faster = (
        middle is not None and end is not None
        and middle.rises and end.low > middle.slope and level.low >= ON_ITS_WAY
    )  # fmt: skip
    is_far = level.low >= FAR or float(values[-FEW:].min()) >= FAR
    if not is_far and not faster:
        return None
    reward = fit_line(evidence.values("reward")[-2 * size :])
    growing = (
        f" It grows by {100 * end.slope:.2g} in 100 steps now, and grew by "
        f"{100 * middle.slope:.2g} in the {size} steps before."
        if faster and middle and end
        else ""
    )
    return Finding(
        "kl_explosion",
        "error" if is_far and reward and not reward.rises else "warning",
        "The policy is far from the reference",
        f"KL to the reference is {level.mean:.2g} nats per token: the model may be losing its "
        "language, or playing the reward.",
        f"Over the last {level.steps} steps {level}, and {float(values[-FEW:].min()):.2g} or more "
        f"in the last {FEW}; {FAR:g} is far.{growing}"
        + (
            ""
            if reward is None
            else " The reward still rises."
            if reward.rises
            else " The reward rises no more."
        ),
        "Read the latest generations. Fork from an earlier checkpoint with a lower learning_rate "
        "or a higher beta.",
    )


def find_entropy_floor(evidence: RunEvidence) -> Finding | None:
    """Exploration runs out before the reward is there."""
    values = evidence.values("entropy")
    if not evidence.samples or len(values) < EXPLORED:
        return None
    before, now = first_level(values), mean_level(values)
    if before is None or now is None or now.high > HALF_SPENT * before.low or _is_solved(evidence):
        return None
    floor = FLOOR_SHARE * before.mean
    line = fit_line(np.log(np.maximum(values[len(values) // 2 :], 1e-6)))
    gone = now.high <= floor
    until = _steps_to(floor, now.mean, line.slope) if line and line.falls else None
    horizon = max(len(values) // 3, WINDOW)
    if evidence.steps_left is not None:
        horizon = min(horizon, evidence.steps_left)
    if not gone and (until is None or until > horizon or _gets_there(evidence, until)):
        return None
    step = evidence.step + math.ceil(until or 0)
    return Finding(
        "entropy_floor",
        "warning",
        "It stops exploring",
        "Its entropy is all but gone, and the reward is not there yet."
        if gone
        else f"At this pace nothing is left of its entropy at step {step}, and the reward will not "
        "be there by then.",
        f"Entropy was {before.mean:.3g} nats per token at first and is {now}; "
        f"{FLOOR_SHARE:.0%} of the first, {floor:.2g}, is the floor."
        + (
            f" A line through its logarithm falls by {1 - math.exp(line.slope):.1%} a step, and "
            f"reaches the floor in {math.ceil(until)} steps."
            if line and until
            else ""
        )
        + _show_earned(evidence),
        "Fork from an earlier checkpoint with a lower learning_rate, a larger epsilon_high (0.28), "
        "an entropy_coef of 0.001 or a higher temperature.",
        missing=() if evidence.earned else ("what each reward function can pay",),
    )


def _steps_to(floor: float, now: float, slope: float) -> float:
    return math.log(max(now, 1e-6) / floor) / -slope if now > floor else 0.0


def _is_solved(evidence: RunEvidence) -> bool:
    earned = evidence.earned
    return bool(earned) and min(earned.values()) >= NOT_YET


def _gets_there(evidence: RunEvidence, steps: float) -> bool:
    """Whether the reward, rising as it does, is nearly full once the entropy has gone."""
    reward = evidence.values("reward")
    line = fit_line(reward[len(reward) // 2 :])
    if line is None or not line.rises:
        return line is None
    shares = [share for share in evidence.earned.values() if share < NOT_YET]
    if not shares:
        return False
    now = max(float(reward[-WINDOW:].mean()), 1e-9)
    return min(shares) * (1 + line.slope * steps / now) >= NOT_YET


def _show_earned(evidence: RunEvidence) -> str:
    shown = ", ".join(f"{name} {share:.0%}" for name, share in evidence.earned.items())
    return f" Earned of their full scores: {shown}." if shown else ""


def find_collapse(evidence: RunEvidence) -> Finding | None:
    curve = evidence.get("reward")
    if curve is None or len(curve.value) < 2 * FEW:
        return None
    values = curve.value
    size = WINDOW if len(values) >= 3 * WINDOW else FEW
    means = np.convolve(values, np.ones(size) / size, "valid")
    if len(means) <= size:
        return None
    at = int(means[:-size].argmax())
    best, now = float(means[at]), float(means[-1])
    noise = max(noise_beside_a_fall(values), float(values[-size:].std()), _sampling_noise(evidence))
    bound = LOST_NOISE * noise * math.sqrt(2 / size)
    least = LOST if size == WINDOW else 2 * LOST
    if best - now <= max(least * abs(best), bound):
        return None
    last_good = at + int(np.flatnonzero(values[at : at + size] >= best)[-1])
    step = int(curve.step[last_good])
    return Finding(
        "collapse",
        "error",
        "The reward has collapsed",
        f"The reward was {best:.2f} around step {step} and is {now:.2f} now.",
        f"Means of {size} steps: {best:.3g} at best, {now:.3g} now. The loss of "
        f"{best - now:.2g} is {(best - now) / max(noise * math.sqrt(2 / size), 1e-9):.0f} times "
        f"the standard error of such a difference ({noise:.2g} from step to step).",
        f"Fork from a checkpoint near step {step} with a lower learning_rate.",
    )


def _sampling_noise(evidence: RunEvidence) -> float:
    """What means of a batch differ by, if nothing changes."""
    spread = evidence.values("reward_std")
    return float(spread.mean()) / math.sqrt(max(evidence.num_groups, 1)) if len(spread) else 0.0


def find_clip_saturation(evidence: RunEvidence) -> Finding | None:
    level, low, high = (
        mean_level(_off_policy(evidence, f"clip_ratio/{part}_mean"))
        for part in ("region", "low", "high")
    )
    sides = ""
    if low and high and max(low.low, high.low) >= ONE_SIDED:
        more, less = (low, high) if low.mean > high.mean else (high, low)
        if more.low >= SIDES * less.high:
            sides = "lower" if more is low else "upper"
    if level is None or (level.low < CLIPPED and not sides):
        return None
    shown = f" Below {low.mean:.0%}, above {high.mean:.0%}." if low and high else ""
    return Finding(
        "clip_saturation",
        "warning",
        "Its updates are mostly clipped",
        f"The clip takes {level.mean:.0%} of the tokens out of the update"
        + (f", nearly all of them at its {sides} end." if sides else "."),
        f"Over the last {level.steps} steps {level.percent} of the tokens were clipped.{shown}",
        "Lower learning_rate or num_iterations: the policy moves further than one batch can say."
        + (" A larger epsilon_high (0.28) lets rare tokens grow." if sides == "lower" else ""),
    )


def _off_policy(evidence: RunEvidence, name: str) -> np.ndarray:
    """Without the first update of each batch, which is never clipped: where there are several."""
    values = evidence.values(name)
    repeats = evidence.config is not None and evidence.config.num_iterations > 1
    return values[values > 0] if repeats else values


def find_length_drift(evidence: RunEvidence) -> Finding | None:
    """Longer and longer, and no better for it: as validation says, or else the reward itself."""
    values = evidence.values("completions/mean_length")
    before, now = first_level(values), mean_level(values)
    if before is None or now is None or now.low < LONGER * before.high:
        return None
    growth = now.mean / before.mean - 1
    held_out = evidence.values("reward", "validation")
    told = held_out if len(held_out) >= FEW + 1 else evidence.values("reward")
    gain = _relative_gain(told)
    if gain is None or gain >= EARNED_SHARE * growth:
        return None
    split = "validation" if told is held_out else "training"
    return Finding(
        "length_drift",
        "warning",
        "It writes longer, and no better",
        f"Completions have grown by {growth:.0%}, and the {split} reward by {gain:.0%} at most.",
        f"Mean length was {before.mean:.0f} tokens at first and is {now.mean:.0f} (between "
        f"{now.low:.0f} and {now.high:.0f}). The {split} reward changed by at most {gain:+.0%} of "
        f"what it was; {EARNED_SHARE * growth:.0%} would be a quarter of the growth.",
        "Read the longest generations: what pays for length? Cap it with a length reward, or take "
        "out what grows with it.",
        missing=() if split == "validation" else ("validation",),
    )


def _relative_gain(values: np.ndarray) -> float | None:
    """The most that it can have risen, as a share of where it began; None while unsure."""
    size = max(min(WINDOW, len(values) // 3), 1)
    if len(values) < 2 * size:
        return None
    before, now = float(values[:size].mean()), float(values[-size:].mean())
    error = 2 * steady_noise(values) * math.sqrt(2 / size)
    return (now + error - before) / max(abs(before), 1e-9)


def find_spikes(evidence: RunEvidence) -> Finding | None:
    curve = evidence.get("grad_norm")
    if curve is None or len(curve.value) < 2 * WINDOW:
        return None
    usual = float(np.median(curve.value))
    logs = np.log(np.maximum(curve.value, 1e-12))
    spread = 1.4826 * float(np.median(np.abs(logs - np.median(logs))))
    is_spike = (curve.value > SPIKE_TIMES * usual) & (
        logs - np.median(logs) > SPIKE_SIGMAS * spread
    )
    steps = [int(step) for step in curve.step[is_spike]]
    if len(steps) < SPIKES or usual <= 0:
        return None
    worst = float(curve.value.max())
    limit = evidence.config.max_grad_norm if evidence.config else None
    return Finding(
        "gradient_spikes",
        "warning",
        "Single steps have huge gradients",
        f"In {len(steps)} steps the gradient was more than {SPIKE_TIMES:g} times its usual size.",
        f"The median norm is {usual:.2g}; the largest {worst:.2g}, {worst / usual:.0f} times as "
        f"much. Steps: {', '.join(map(str, steps[-8:]))}.",
        "Read the generations of these steps: a few prompts or an extreme score are the usual "
        "cause. "
        + (
            f"max_grad_norm is {limit:g}: what is above is cut, but still turns the step."
            if limit
            else "Clip the gradient."
        ),
    )


RULES = (
    find_collapse,
    find_too_fast,
    find_kl_explosion,
    find_entropy_floor,
    find_clip_saturation,
    find_length_drift,
    find_spikes,
)
