"""The reward rises and what it stands for does not: tricks that are recognised, and validation."""

from __future__ import annotations

import math

import numpy as np

from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import (
    FEW,
    WINDOW,
    first_level,
    first_share,
    mean_level,
    share_level,
    steady_noise,
)
from rft_core.diagnosis.finding import Finding

MORE_TRICKS = 0.1  # of the completions more than at first, while the reward rose
VALIDATIONS = 4
SURE = 4.0  # standard errors
LARGE = 0.1  # of the reward: what is less is not worth a word
FOLLOWS = 0.25  # of what training gained, validation should have too


def find_hacking(evidence: RunEvidence) -> Finding | None:
    flagged, reward = evidence.values("flagged"), evidence.values("reward")
    size = min(WINDOW, len(flagged) // 2)
    if size < FEW or (not evidence.batch_size and len(flagged) < 2 * WINDOW):
        return None
    before = first_share(flagged, evidence.batch_size)
    now = share_level(flagged, evidence.batch_size, size)
    earlier, later = first_level(reward), mean_level(reward)
    if before is None or now is None or earlier is None or later is None:
        return None
    if now.mean - before.mean < MORE_TRICKS or now.low <= before.high:
        return None
    if later.mean <= earlier.mean:
        return None
    return Finding(
        "hacking",
        "error",
        "The policy is learning to cheat",
        f"In {now.mean:.0%} of the completions of the last {size} steps a trick was recognised, "
        f"against {before.mean:.0%} at first, and the reward rose with it.",
        f"Flagged: {before.percent} of the first {size} steps' completions, {now.percent} of the "
        f"last. Reward: {earlier.mean:.3g} then, {later.mean:.3g} now.",
        "Filter the generations by their flags and read some. Then let what is flagged earn "
        "nothing (How it counts, or detectors: enforce, on the Rewards page), and train anew.",
    )


def find_validation_gap(evidence: RunEvidence) -> Finding | None:
    """Held-out prompts fall, or stay where they are, while the training reward rises."""
    train, held_out = evidence.get("reward"), evidence.get("reward", "validation")
    if train is None or held_out is None or len(held_out.value) < VALIDATIONS:
        return None
    size = max(2, min(WINDOW, len(held_out.value) // 4))
    means = np.convolve(held_out.value, np.ones(size) / size, "valid")
    at = int(means[:-size].argmax()) if len(means) > size else 0
    error = steady_noise(held_out.value) * math.sqrt(2 / size)
    fallen = (float(means[at]) - float(means[-1])) / max(error, 1e-9)
    since_best = _gain(train.step, train.value, held_out.step[at], held_out.step[at + size - 1])
    large = LARGE * max(abs(float(means[at])), float(np.abs(train.value).max()))
    falls = fallen > SURE and float(means[at] - means[-1]) > large
    gained, noise = _gain(train.step, train.value, held_out.step[0], held_out.step[size - 1])
    held = float(means[-1] - means[0])
    follows = held + 2 * error >= FOLLOWS * gained
    rose = gained > SURE * noise and gained > large
    if falls and since_best[0] > -since_best[1]:
        what = (
            f"The validation reward has fallen from {means[at]:.2f} to {means[-1]:.2f}, while the "
            "training reward has not."
        )
    elif rose and not follows and len(held_out.value) >= VALIDATIONS + 1:
        what = (
            f"The training reward has risen by {gained:.2f}, and the validation reward by "
            f"{held:+.2f}: what is learned does not carry over."
        )
    else:
        return None
    return Finding(
        "validation_gap",
        "error" if falls else "warning",
        "Validation does not follow",
        what,
        f"Means of {size} validations: {means[0]:.3g} at first, {float(means.max()):.3g} at best "
        f"(until step {int(held_out.step[at + size - 1])}), {means[-1]:.3g} now; the standard "
        f"error of a difference is {error:.2g}. Training: {gained:+.3g} over the same steps, with "
        f"an error of {noise:.2g}.",
        "Compare generations of training and validation. More or other training prompts if it "
        "memorises; another grader if it plays the reward. Fork from the checkpoint near step "
        f"{int(held_out.step[at + size - 1])}.",
    )


def _gain(steps: np.ndarray, values: np.ndarray, first: int, last: int) -> tuple[float, float]:
    """What training has gained since about these steps, and the standard error of that."""
    then = values[(steps >= first) & (steps <= max(last, first + WINDOW))][:WINDOW]
    now = values[-WINDOW:]
    if not len(then):
        return 0.0, math.inf
    noise = steady_noise(values)
    return float(now.mean() - then.mean()), noise * math.sqrt(1 / len(then) + 1 / len(now))


RULES = (find_hacking, find_validation_gap)
