"""Two stored runs that differ in settings and rewards, and an evaluation of both."""

from __future__ import annotations

from pathlib import Path

from rft_core.evaluation.records import save_record
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.evaluations import StoredEvaluation, set_evaluation
from rft_core.store.index import open_index
from tests.evaluation.judged import match, write
from tests.sample_run import REWARDS, begin_run

LENIENT = (
    "def brevity(completions, **_):\n    # short is good\n    return [1.0 for _ in completions]\n"
)
OTHER_REWARDS = RewardSet(
    (*REWARDS.entries[:2], RewardEntry("brevity", "python", 0.5, {}, LENIENT)), "countdown"
)


def write_two_runs(runs_dir: Path, steps: int = 20) -> None:
    """`one`, and `two` with another learning rate and another reward: both are finished."""
    for run_id, rewards, settings in (
        ("one", REWARDS, {}),
        ("two", OTHER_REWARDS, {"learning_rate": 0.003, "seed": 7}),
    ):
        run = begin_run(
            runs_dir, run_id, name=f"Run {run_id}", max_steps=steps, rewards=rewards, **settings
        )
        run.train(steps)
        run.end()


def write_evaluation(runs_dir: Path, **written: tuple[str, ...]) -> int:
    """What each run wrote on the same rows, as `judged.write` reads it; the base writes nothing."""
    rows = len(next(iter(written.values())))
    contenders = [write("base", *("x",) * rows), *(write(r, *own) for r, own in written.items())]
    matchup = match(*contenders)
    with open_index(runs_dir) as index:
        for sampled in contenders:
            run = None if sampled.label == "base" else sampled.label
            set_evaluation(
                index,
                StoredEvaluation(
                    sampled.label, run, None, "letters", 0, {"temperature": 1.0}, "rw-letters",
                    sampled.groups,
                ),
            )  # fmt: skip
    k = len(contenders[0].groups[0])
    return save_record(runs_dir, matchup, None, k=k, vote=False, rerank=None, seed=0).number
