"""The prompts of a run with what it wrote to them, as probes and the search for lies take them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.errors import NotFoundError
from rft_core.jobs.pinning import find_rewards
from rft_core.rewards.contract import RewardSet
from rft_core.store.generations import StoredGeneration, get_prompts, list_generations
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import get_run
from rft_core.tasks import TASKS
from rft_core.tasks.probe_cases import make_cases

NEWEST = 512  # generations looked at: what the policy writes now
MOST_TEXTS = 8  # of one prompt, the best paid


@dataclass(frozen=True)
class RunCases:
    """`task`: its name. `rewards`: the version that the run pins."""

    task: str
    rewards: RewardSet
    cases: list[ProbeCase]


def read_run_cases(runs_dir: Path, run_id: str, count: int) -> RunCases:
    """The prompts whose newest completions are paid best, `count` of them at most.

    Raises `NotFoundError` for no such run, one that has sampled nothing, and one without rewards.
    """
    with open_index(runs_dir) as index:
        config = get_run(index, run_id).config
        rewards = find_rewards(index, config)
    if rewards is None:
        raise NotFoundError(
            f"Run '{run_id}' has no rewards", "it learns without them", "Name another run"
        )
    groups: list[list[StoredGeneration]] = []
    if has_database(runs_dir, run_id):
        with open_run(runs_dir, run_id) as db:
            groups = _best_first(list_generations(db, limit=NEWEST))[:count]
            prompts = get_prompts(db, {group[0].prompt_id for group in groups})
    if not groups:
        raise NotFoundError(
            f"Run '{run_id}' has sampled nothing yet", "", "Wait for its first step"
        )
    asked = [prompts[group[0].prompt_id] for group in groups]
    texts = [list(dict.fromkeys(g.completion for g in group))[:MOST_TEXTS] for group in groups]
    cases = make_cases(
        TASKS.get(config.task), [p.row for p in asked], [p.messages for p in asked], texts
    )
    return RunCases(config.task, rewards, cases)


def _best_first(generations: Sequence[StoredGeneration]) -> list[list[StoredGeneration]]:
    """Those of one prompt together, prompts and completions by what they earn."""
    groups: dict[int, list[StoredGeneration]] = {}
    for one in generations:
        if one.reward is not None:
            groups.setdefault(one.prompt_id, []).append(one)
    for group in groups.values():
        group.sort(key=_pay, reverse=True)
    return sorted(groups.values(), key=lambda group: _pay(group[0]), reverse=True)


def _pay(generation: StoredGeneration) -> float:
    return generation.reward or 0.0
