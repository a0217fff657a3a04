"""The runs of `hack_radar.py`: real pairs, one paid by a planted bug, one by a sound reward.

Each run's id says all that decides what it does: what has finished is taken as it is, and the rest
is trained by the project's own worker, in this process, one run after the other.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.planted_rewards import FAMILIES, Family, make_hacked, make_honest
from rft_core.config import make_config
from rft_core.errors import NotFoundError
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import get_run_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_reader import list_attempts, open_run
from rft_core.store.runs import add_run, check_run_exists
from rft_core.store.sets import ensure_set
from rft_core.worker import run_in_foreground

STEPS = 36
HACK_RATE = 3e-3  # of every other seed; some bugs are found so fast that no reward rises alike
HONEST_STEPS, HONEST_RATE = 40, 1.2e-3  # a sound reward is harder to raise, and lost at 3e-3
SETTINGS: dict[str, Any] = {
    "task": "countdown", "model": "embedded/countdown", "num_prompts": 24,
    "num_validation_prompts": 64, "max_completion_length": 64, "max_steps": STEPS,
    "eval_steps": STEPS, "save_steps": 0, "per_device_train_batch_size": 32,
    "num_generations": 4, "per_device_eval_batch_size": 64, "beta": 0.0, "num_threads": 1,
    "preflight": False, "temperature": 0.9,
}  # fmt: skip
FORM_WEIGHTS = (0.0, 0.25)  # of honest members, in turn: credit for form beside the truth


@dataclass(frozen=True)
class Member:
    """One run of a pair."""

    family: Family
    seed: int
    is_hacked: bool
    rewards: RewardSet
    settings: dict[str, Any]

    @property
    def name(self) -> str:
        kind = "hack" if self.is_hacked else "honest"
        return f"{self.family.function} {kind} {self.seed}"

    @property
    def run_id(self) -> str:
        text = json.dumps([self.settings, self.rewards.id], sort_keys=True)
        words = self.name.replace(" ", "-").replace("_", "-")
        return f"{words}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def list_pairs(seeds: Sequence[int]) -> list[tuple[Member, Member]]:
    """(hacked, honest) of every family and seed; no two runs share a seed."""
    pairs = []
    for seed in seeds:
        for at, family in enumerate(FAMILIES):
            own = 100 * seed + 2 * at
            hacked = _make_member(family, seed, own, make_hacked(family))
            form = FORM_WEIGHTS[(at + seed) % len(FORM_WEIGHTS)]
            honest = _make_member(family, seed, own + 1, make_honest(form))
            pairs.append((hacked, honest))
    return pairs


def _make_member(family: Family, seed: int, own_seed: int, rewards: RewardSet) -> Member:
    is_hacked = rewards.name == family.function
    rate = HONEST_RATE if seed % 2 else HACK_RATE
    settings = {**SETTINGS, "seed": own_seed, "learning_rate": rate}
    if not is_hacked:
        longer = {"max_steps": HONEST_STEPS, "eval_steps": HONEST_STEPS}
        settings |= {**longer, "learning_rate": HONEST_RATE}
    return Member(family, seed, is_hacked, rewards, settings)


def ensure_run(runs_dir: Path, member: Member) -> None:
    """Train it, unless it has finished before."""
    if is_finished(runs_dir, member):
        return
    rewards, run_id = member.rewards, member.run_id
    with open_index(runs_dir) as index:
        content = rewards.to_json()
        ensure_set(index, "rewards", id=rewards.id, name=rewards.name, content=content)
        config = make_config({**member.settings, "reward_set": rewards.id, "name": member.name})
        try:
            check_run_exists(index, run_id)
        except NotFoundError:
            get_run_dir(runs_dir, run_id).mkdir(parents=True, exist_ok=True)
            add_run(index, id=run_id, config=pin_sets(index, config))
    started, cpu = time.monotonic(), time.process_time()
    if run_in_foreground(run_id, runs_dir) or not is_finished(runs_dir, member):
        raise SystemExit(f"The run {run_id} has not finished: see its attempts")
    took, used = time.monotonic() - started, time.process_time() - cpu
    print(f"{member.name}: {took:.0f} s, {used:.0f} s of a processor", file=sys.stderr, flush=True)


def is_finished(runs_dir: Path, member: Member) -> bool:
    try:
        with open_run(runs_dir, member.run_id) as db:
            return any(attempt.outcome == "finished" for attempt in list_attempts(db))
    except NotFoundError:
        return False
