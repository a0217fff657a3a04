"""Reward models as rewards: what must be there at a launch, and what a run then keeps of it.

A reward set names a reward model by its run and, maybe, its step. Before the run is written both
are settled, and the model is copied into the run's folder: its maker may be resumed or deleted. No
run named means the run's own, trained in a stage before: in RLHF.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.errors import BadInputError
from rft_core.paths import get_reward_model_copy_dir
from rft_core.rewards.contract import LEARNED_GRADER, RewardEntry, RewardSet, guess_truth
from rft_core.store.adapters import get_reward_model
from rft_core.store.sets import ensure_set, get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.training.saving.checkpoints import copy_weights

OWN_NAME = "reward_model"


def find_own_step(config: RunConfig) -> int | None:
    """The step at which the run has its own reward model, for a stage after it; None: it has none.

    Of several, the last that a stage which learns from rewards comes after.
    """
    found = waiting = None
    for plan in config.plan_stages():
        method = next(m for m in config.methods if m.name == plan.config.method)
        if method.leaves == "reward_model":
            waiting = plan.first_step + plan.config.max_steps
        elif "rewards" in method.needs:
            found = waiting or found
    return found


def with_own_reward_model(reward_set: RewardSet | None) -> RewardSet:
    """RLHF's rewards where nobody has chosen any: the reward model drives, the rules watch."""
    own = RewardEntry(OWN_NAME, LEARNED_GRADER)
    if reward_set is None:
        return RewardSet((own,), "rlhf")
    watching = tuple(replace(entry, weight=0.0) for entry in reward_set.entries)
    truth = reward_set.truth or guess_truth(reward_set.entries)
    return RewardSet((*watching, own), f"{reward_set.name} (rlhf)", truth)


def check_reward_models(runs_dir: Path, config: RunConfig, reward_set: RewardSet) -> None:
    """Raises `NotFoundError` or `BadInputError` for a reward model not there, or not asked."""
    learned = _list_learned(reward_set)
    if find_own_step(config) is not None and all(_read_options(entry)[0] for entry in learned):
        raise BadInputError(
            "No reward asks the reward model that a stage trains",
            f"'{reward_set.name}' would pay the policy by {', '.join(reward_set.names)} alone",
            "Leave reward_set empty, or add the grader reward_model, without a run, to the rewards",
        )
    for entry in learned:
        run, step = _read_options(entry)
        if run:
            get_reward_model(runs_dir, run, step)
        elif find_own_step(config) is None:
            raise BadInputError(
                f"The reward '{entry.name}' asks a reward model that is not named",
                "It would be the run's own, and no stage trains one before a stage learns from it",
                "Set its option `run`, or stages=rlhf",
            )


def pin_reward_models(index: Database, runs_dir: Path, run_id: str, config: RunConfig) -> RunConfig:
    """The same configuration, its reward set naming runs and steps, and copies of their models."""
    if config.reward_set is None:
        return config
    reward_set = RewardSet.from_json(get_set(index, "rewards", config.reward_set).content)
    if not _list_learned(reward_set):
        return config
    entries = tuple(
        _pin(entry, runs_dir, run_id, config) if entry.grader == LEARNED_GRADER else entry
        for entry in reward_set.entries
    )
    pinned = replace(reward_set, entries=entries)
    name = pinned.name or config.task
    ensure_set(index, "rewards", id=pinned.id, name=name, content=pinned.to_json())
    return config.model_copy(update={"reward_set": pinned.id})


def _pin(entry: RewardEntry, runs_dir: Path, run_id: str, config: RunConfig) -> RewardEntry:
    run, step = _read_options(entry)
    if not run:
        settled = {"run": run_id, "step": find_own_step(config) or 0}
        return replace(entry, options={**entry.options, **settled})
    model = get_reward_model(runs_dir, run, step)
    assert model.step is not None  # only checkpoints are offered
    copy = get_reward_model_copy_dir(runs_dir, run_id, of=run, step=model.step)
    if not copy.is_dir():  # two entries may ask the same one
        what = f"The reward model of run '{run}' at step {model.step}"
        copy_weights(model.path, copy, {"run": run, "step": model.step}, what)
    return replace(entry, options={**entry.options, "run": run, "step": model.step})


def _list_learned(reward_set: RewardSet) -> list[RewardEntry]:
    return [entry for entry in reward_set.entries if entry.grader == LEARNED_GRADER]


def _read_options(entry: RewardEntry) -> tuple[str, int | None]:
    return str(entry.options.get("run", "")), int(entry.options.get("step", 0)) or None
