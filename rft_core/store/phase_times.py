"""Where the time of a run went: seconds by phase, as the worker's clock counted them.

A row holds a phase's total since step 0, over all lives of the worker, when its step was recorded,
validated or saved: what some steps took is the difference of two totals. A validation or checkpoint
belongs to the step that it follows; what comes before training to step 0. Loading the model comes
before the clock starts. Steps recorded by earlier versions have no rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from rft_core.store.sqlite.without_pandas import Database

OTHER = "other"
# In the order in which a step goes through them: a short name, and what it means.
PHASES: dict[str, tuple[str, str]] = {
    "preflight": ("preflight", "A few groups sampled and scored before the first step."),
    "sample": ("sampling", "The policy writes completions of the step's prompts."),
    "old_logprobs": ("old policy", "How likely each token was to the policy that sampled it."),
    "reference_logprobs": ("reference", "How likely each token is to the reference model, for KL."),
    "score": ("scoring", "The reward functions judge the completions."),
    "update": ("update", "Loss, gradient, and the optimizer's step of the adapter."),
    "record": ("recording", "Metrics and completions are written to the run's database."),
    "validate": ("validation", "Completions of the validation prompts: sampled and scored."),
    "save": ("saving", "Checkpoints are written to disk."),
    OTHER: ("other", "Everything between: batches are made, and in several stages models loaded."),
}


LEAST_SHARE = 0.005  # what is less cannot be seen in the whole, and is not named


def name_phase(phase: str) -> str:
    """Its short name; one of a later version keeps its own."""
    return PHASES[phase][0] if phase in PHASES else phase


@dataclass(frozen=True)
class PhaseTimes:
    """Seconds by phase, none of them 0, of steps `first` to `last`.

    `first` is 0 where the validation before training is among them.
    """

    first: int
    last: int
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    @property
    def num_steps(self) -> int:
        return self.last - max(self.first, 1) + 1

    def share(self, phase: str) -> float:
        """Of the whole, from 0 to 1."""
        return self.seconds.get(phase, 0.0) / self.total if self.total else 0.0


def phase_totals(db: Database) -> dict[str, float]:
    """Seconds by phase until the newest step, over all lives."""
    return _read_totals(db, _find_step(db, "max(step)"))


def get_phase_times(db: Database, *, window: int | None = None) -> PhaseTimes | None:
    """Of the newest `window` steps, or of all that have them; None where no step has."""
    last = _find_step(db, "max(step)")
    if last is None:
        return None
    before = None
    if window is not None:
        before = _find_step(db, "max(step)", f"WHERE step <= {last - window}")
    first = _find_step(db, "min(step)", "" if before is None else f"WHERE step > {before}")
    start, end = _read_totals(db, before), _read_totals(db, last)
    spent = {phase: seconds - start.get(phase, 0.0) for phase, seconds in end.items()}
    ordered = [phase for phase in PHASES if phase in spent]
    ordered += [phase for phase in spent if phase not in PHASES]
    return PhaseTimes(first or 0, last, {p: spent[p] for p in ordered if spent[p] > 0})


def list_step_phases(db: Database, newest: int, until: int) -> list[dict[str, float]]:
    """Seconds by phase of each of the newest steps until that one, oldest first. The first that was
    recorded is left out: what came before it belongs to no step.
    """
    sql = (
        "SELECT step, phase, seconds FROM phases WHERE step BETWEEN :until - :newest AND :until "
        "ORDER BY step"
    )
    totals: dict[int, dict[str, float]] = {}
    for step, phase, seconds in db.execute(sql, {"newest": newest, "until": until}):
        totals.setdefault(step, {})[phase] = seconds
    return [
        {phase: seconds - before.get(phase, 0.0) for phase, seconds in now.items()}
        for before, now in pairwise(totals.values())
    ]


def _find_step(db: Database, which: str, where: str = "") -> int | None:
    step = db.execute(f"SELECT {which} FROM phases {where}").fetchone()[0]
    return None if step is None else int(step)


def _read_totals(db: Database, step: int | None) -> dict[str, float]:
    return dict(db.execute("SELECT phase, seconds FROM phases WHERE step = ?", [step]).fetchall())
