"""Group advantages exactly as TRL's GRPOTrainer computes them, without torch.

A_i = (r_i - mean(group)) / (std(group) + 1e-4) with the sample standard deviation (ddof = 1);
`scale_rewards="batch"` divides by the std of the whole batch and `"none"` does not divide.
Unscored completions (None) are left out of mean and std and get advantage 0, as in TRL 1.16.
Source: DeepSeekMath (arXiv 2402.03300), section 4.1; Dr. GRPO (arXiv 2503.20783) for `"none"`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

EPSILON = 1e-4


def compute_advantages(
    rewards: Sequence[float | None], num_generations: int, scale_rewards: str = "group"
) -> list[float]:
    """Advantages for rewards of shape (groups * num_generations,), groups consecutive."""
    values = np.array([np.nan if r is None else r for r in rewards], dtype=np.float64)
    groups = values.reshape(-1, num_generations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN groups are meant to give NaN
        centred = groups - np.nanmean(groups, axis=1, keepdims=True)
        if scale_rewards == "group":
            centred = centred / (_std(groups, axis=1) + EPSILON)
        elif scale_rewards == "batch":
            centred = centred / (_std(values, axis=0) + EPSILON)
    return [float(value) for value in np.nan_to_num(centred, nan=0.0).reshape(-1)]


def zero_variance_share(rewards: Sequence[float | None], num_generations: int) -> float:
    """Share of groups whose scored rewards are all equal: they carry no gradient."""
    values = np.array([np.nan if r is None else r for r in rewards], dtype=np.float64)
    groups = values.reshape(-1, num_generations)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        std = np.nan_to_num(_std(groups, axis=1), nan=0.0)
    return float(np.isclose(std, 0.0).mean())


def _std(values: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(np.nanstd(values, axis=axis, ddof=1, keepdims=True))
