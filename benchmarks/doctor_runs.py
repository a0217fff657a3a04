"""Runs for the doctor's duel, trained for real on the embedded models: healthy ones, broken ones.

    python benchmarks/doctor_runs.py RUNS_DIR [--healthy 12] [--broken] [--only NAME ...]

One after the other in this process, by the worker's own code. What exists already is left alone,
and goes on where it was interrupted. A broken run has one fault, planted in its settings or in its
rewards, and the kinds of findings that name it; a healthy one differs by seed, task and method.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from rft_core.config import RunConfig, make_config  # noqa: E402
from rft_core.errors import NotFoundError  # noqa: E402
from rft_core.jobs.pinning import pin_sets  # noqa: E402
from rft_core.rewards.contract import RewardEntry, RewardSet  # noqa: E402
from rft_core.rewards.python_source import reward_set_from_source  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.run_reader import list_attempts, open_run  # noqa: E402
from rft_core.store.run_writer import RunWriter  # noqa: E402
from rft_core.store.runs import add_run, get_run  # noqa: E402
from rft_core.store.sets import ensure_set  # noqa: E402
from rft_core.training.stop import StopRequest  # noqa: E402
from rft_core.worker import live, read_assignment  # noqa: E402

SMALL: Mapping[str, Any] = {
    "model": "embedded/countdown", "task": "countdown-easy", "num_prompts": 200,
    "num_validation_prompts": 8, "num_generations": 4, "per_device_train_batch_size": 16,
    "max_completion_length": 64, "temperature": 0.8, "max_steps": 15, "eval_steps": 0,
    "save_steps": 0, "num_threads": 1,
    "preflight": False,
}  # fmt: skip
STRONG: Mapping[str, Any] = {
    "learning_rate": 3e-3, "per_device_train_batch_size": 32, "num_generations": 8, "max_steps": 30,
}  # fmt: skip


@dataclass(frozen=True)
class PlantedRun:
    """`named_right`: the kinds of findings that say what is wrong with it; () for a healthy run."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    rewards: RewardSet | None = None
    named_right: tuple[str, ...] = ()

    @property
    def config(self) -> RunConfig:
        return make_config({**SMALL, **self.settings, "name": self.name})


def _own(name: str, *entries: RewardEntry) -> RewardSet:
    return RewardSet(entries, name)


BROKEN = (
    PlantedRun(
        "far too high a rate, no KL", {"beta": 0.0, "learning_rate": 0.05},
        named_right=("collapse", "too_fast"),
    ),
    PlantedRun(
        "all wrong", rewards=_own("never", RewardEntry("never", "regex", options={
            "pattern": "THE ANSWER IS"})),
        named_right=("flat", "all_wrong"),
    ),
    PlantedRun(
        "all right", rewards=_own("always", RewardEntry("always", "regex", options={
            "pattern": "."})),
        named_right=("flat", "all_right"),
    ),
    PlantedRun(
        "cut off", {"max_completion_length": 10}, named_right=("truncated",),
    ),
    PlantedRun(
        "temperature next to zero", {"temperature": 0.001}, named_right=("identical",),
    ),
    PlantedRun(
        "a constant component",
        rewards=reward_set_from_source(
            "def half(completions, **_):\n    return [0.5] * len(completions)\n\n\n"
            "def has_answer(completions, **_):\n"
            "    return [float(text.count('<answer>') == 1) for text in completions]\n"
        ),
        named_right=("dead_component",),
    ),
    PlantedRun(
        "a reward that fails",
        rewards=reward_set_from_source(
            "def works(completions, **_):\n"
            "    return [float(text.count('<answer>') == 1) for text in completions]\n\n\n"
            "def fails(completions, **_):\n"
            "    return [1 / (len(text) % 2) for text in completions]\n"
        ),
        named_right=("unscored",),
    ),
    PlantedRun("a frozen adapter", {"learning_rate": 1e-9}, named_right=("weights_still",)),
    PlantedRun(
        "exploding KL", {"beta": 0.001, "learning_rate": 8e-3}, named_right=("kl_explosion",),
    ),
    PlantedRun(
        "a paid cheat", STRONG,
        reward_set_from_source(
            "def short(completions, log_extra, **_):\n"
            "    is_short = [len(text.split('</think>')[0]) < 60 for text in completions]\n"
            "    log_extra('flag', ['empty_thought' if short else '' for short in is_short])\n"
            "    return [float(short) for short in is_short]\n"
        ),
        ("hacking",),
    ),
    PlantedRun(
        "paid by length", {**STRONG, "max_completion_length": 128},
        _own("long", RewardEntry("long", "length", options={"unit": "tokens", "minimum": 128}),
             RewardEntry("equation", "equation", 0.0)),
        ("length_drift", "truncated"),
    ),
    PlantedRun(
        "form owns the reward", {},
        _own("form", RewardEntry("format", "format", 20.0),
             RewardEntry("equation", "equation", 0.1)),
        ("owns_variance",),
    ),
    PlantedRun(
        "clipped by many updates", {"num_iterations": 8, "learning_rate": 8e-3, "max_steps": 24},
        named_right=("clip_saturation",),
    ),
)  # fmt: skip


HEALTHY: Mapping[str, Any] = {
    "per_device_train_batch_size": 32, "num_generations": 8, "max_steps": 40, "eval_steps": 10,
    "num_validation_prompts": 16, "max_completion_length": 80,
}  # fmt: skip


def list_healthy(count: int) -> list[PlantedRun]:
    """As people would train them: the built-in rewards, by seed, task and method."""
    kinds: tuple[Mapping[str, Any], ...] = (
        {},
        {"task": "countdown"},
        {"model": "embedded/word_problems", "task": "word_problems", "max_completion_length": 112},
        {"method": "rloo"},
        {"beta": 0.0, "learning_rate": 3e-4},
        {"stages": "sft 10; grpo 30"},
    )
    return [
        PlantedRun(f"healthy {seed}", {**HEALTHY, **kinds[seed % len(kinds)], "seed": seed})
        for seed in range(count)
    ]


def make_run_id(name: str) -> str:
    return name.replace(" ", "-").replace(",", "")


def make_run(runs_dir: Path, planted: PlantedRun) -> str:
    """Train it, unless it is there already; its id."""
    run_id = make_run_id(planted.name)
    with open_index(runs_dir) as index:
        if not _exists(index, run_id):
            values = planted.config
            if planted.rewards is not None:
                rewards = planted.rewards
                ensure_set(
                    index, "rewards", id=rewards.id, name=planted.name, content=rewards.to_json()
                )
                values = values.model_copy(update={"reward_set": rewards.id})
            add_run(index, id=run_id, config=pin_sets(index, values))
    if not _has_ended(runs_dir, run_id):
        with closing(RunWriter(runs_dir, run_id)) as writer:
            ending = live(read_assignment(runs_dir, run_id), writer, StopRequest())
        print(f"{run_id}: {ending.outcome} {ending.message}", flush=True)
    return run_id


def _exists(index: Any, run_id: str) -> bool:
    try:
        get_run(index, run_id)
    except NotFoundError:
        return False
    return True


def _has_ended(runs_dir: Path, run_id: str) -> bool:
    try:
        with open_run(runs_dir, run_id) as db:
            return any(life.outcome for life in list_attempts(db))
    except NotFoundError:
        return False


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs_dir", type=Path)
    parser.add_argument("--healthy", type=int, default=12)
    parser.add_argument("--broken", action="store_true")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    options = parser.parse_args()
    wanted = [*(BROKEN if options.broken else ()), *list_healthy(options.healthy)]
    options.runs_dir.mkdir(parents=True, exist_ok=True)
    for planted in wanted:
        if not options.only or planted.name in options.only:
            began = time.monotonic()
            make_run(options.runs_dir, planted)
            print(f"  {planted.name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
