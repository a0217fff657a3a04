"""Curves made up for the doctor's rules, and what he finds in them."""

from typing import Any

import numpy as np
import pandas as pd

from rft_core.diagnosis.doctor import RunEvidence, diagnose
from rft_core.diagnosis.finding import Finding
from rft_core.figures import Curves, extend_curves

COLUMNS = ["id", "step", "split", "name", "value", "elapsed", "tokens"]


def curves_of(validation: dict[str, dict[int, float]] | None = None, **metrics: Any) -> Curves:
    """`reward=[...]` -> curves of the training split; `__` in a name stands for `/`.

    `validation`: by name and step.
    """
    rows = [
        (i + 1, step, "train", name.replace("__", "/"), float(value), 0.0, 0)
        for name, values in metrics.items()
        for i, (step, value) in enumerate(enumerate(values, start=1))
    ]
    rows += [
        (i + 1, step, "validation", name, value, 0.0, 0)
        for name, values in (validation or {}).items()
        for i, (step, value) in enumerate(values.items())
    ]
    return extend_curves(Curves(), pd.DataFrame(rows, columns=COLUMNS))


def rising(steps: int = 100) -> list[float]:
    noise = np.random.default_rng(0).normal(0, 0.05, steps)
    return list(1 - np.exp(-np.arange(steps) / 30) + noise)


def noisy(level: float, spread: float, steps: int, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).normal(level, spread, steps))


def findings(curves: Curves, **facts: Any) -> list[Finding]:
    return diagnose(RunEvidence(curves, **facts))


def kinds(curves: Curves, **facts: Any) -> list[str]:
    return [finding.kind for finding in findings(curves, **facts)]
