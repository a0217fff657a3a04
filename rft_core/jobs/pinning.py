"""Pinning: a run names exactly the prompts and rewards that it used, for ever.

A configuration may leave `prompt_set` or `reward_set` empty, meaning the task's own, or name others
of its task's rewards. Before a run is written they are made into immutable sets in `index.db`, and
the run's configuration names them.
Its number of threads is pinned as well, since it decides how sums are rounded.
A fork gets a copy of the adapter that it begins with: its parent may be resumed or deleted.
"""

from __future__ import annotations

from pathlib import Path

from rft_core.config import RunConfig
from rft_core.data import PromptSet, Split, make_prompt_set
from rft_core.data.pair_prompts import make_pair_prompt_set
from rft_core.data.pair_set import PairSet
from rft_core.data.prompt_set import BUILT_IN
from rft_core.jobs.reward_models import find_own_step, with_own_reward_model
from rft_core.model_files import model_summary
from rft_core.paths import get_checkpoint_dir, get_initial_adapter_dir
from rft_core.planning.threads import choose_threads
from rft_core.rewards.contract import RewardSet
from rft_core.store.sets import ensure_set, get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.tasks import TASKS, get_task
from rft_core.training.saving.checkpoints import copy_weights


def pin_sets(index: Database, config: RunConfig) -> RunConfig:
    """The same configuration with both sets named. Raises `NotFoundError` for unknown ones.

    A custom task has no rewards of its own: a method that learns without them then has none. Nor
    has a run that trains nothing but a reward model, which writes no answers. One that trains a
    reward model first learns from that, where no rewards are chosen.
    """
    return config.model_copy(
        update={
            "prompt_set": config.prompt_set or _pin_own_prompts(index, config),
            "reward_set": _pin_rewards(index, config),
        }
    )


def pin_threads(config: RunConfig, max_runs: int) -> RunConfig:
    """The same configuration with its number of CPU threads: as it was given, or chosen now."""
    if config.num_threads is not None:
        return config
    chosen = choose_threads(model_summary(config.model), max_runs=max_runs)
    return config.model_copy(update={"num_threads": chosen})


def make_task_prompt_set(config: RunConfig) -> PromptSet:
    """The task's own rows, as many as the configuration asks for, drawn from its seed."""
    task = get_task(config.task)
    train, validation = task.load(config.num_prompts, config.num_validation_prompts, config.seed)
    last = len(train) + len(validation)
    return make_prompt_set(
        [*train, *validation],
        name=f"{task.title} (built in)",
        template=task.template,
        split=Split(tuple(range(len(train))), tuple(range(len(train), last)), config.seed),
        task=task.name,
        source=BUILT_IN,
    )


def pin_adapter(runs_dir: Path, run_id: str, *, parent: str, step: int) -> None:
    """Copy the adapter of a parent's checkpoint into the folder of its fork, whole and on disk.

    Raises `BadInputError` where the checkpoint is gone or is not what was written.
    """
    checkpoint = get_checkpoint_dir(runs_dir, parent, step)
    what = f"The checkpoint of run '{parent}' at step {step}"
    copy_weights(checkpoint, get_initial_adapter_dir(runs_dir, run_id), {"step": step}, what)


def store_prompt_set(index: Database, prompt_set: PromptSet) -> str:
    """Store it, unless it is there already. Returns its id."""
    ensure_set(
        index,
        "prompts",
        id=prompt_set.id,
        name=prompt_set.name,
        task=prompt_set.task,
        num_rows=len(prompt_set.rows),
        content=prompt_set.to_json(),
    )
    return prompt_set.id


def store_pair_set(index: Database, pairs: PairSet) -> str:
    """Store it, unless it is there already. Returns its id."""
    ensure_set(
        index, "pairs", id=pairs.id, name=pairs.name, task=pairs.task,
        num_rows=len(pairs.pairs), content=pairs.to_json(),
    )  # fmt: skip
    return pairs.id


def _pin_own_prompts(index: Database, config: RunConfig) -> str:
    """The task's; of a custom one, those of its pairs."""
    if config.task in TASKS or config.pair_set is None:
        return store_prompt_set(index, make_task_prompt_set(config))
    pairs = PairSet.from_json(get_set(index, "pairs", config.pair_set).content)
    return store_prompt_set(index, make_pair_prompt_set(pairs))


def _pin_rewards(index: Database, config: RunConfig) -> str | None:
    if config.reward_set is not None and not names_task_rewards(config):
        return config.reward_set
    reward_set = find_rewards(index, config)
    if reward_set is None:
        return None
    name = reward_set.name or config.task
    ensure_set(index, "rewards", id=reward_set.id, name=name, content=reward_set.to_json())
    return reward_set.id


def choose_own_rewards(config: RunConfig) -> RewardSet | None:
    """The rewards of a run whose configuration names none."""
    if not config.leaves_policy:
        return None
    of_task = get_task(config.task).reward_set if config.task in TASKS else None
    return of_task if find_own_step(config) is None else with_own_reward_model(of_task)


def names_task_rewards(config: RunConfig) -> bool:
    """Whether it names rewards by what they are called in its task, such as 'reft'."""
    return config.task in TASKS and config.reward_set in get_task(config.task).other_rewards


def find_rewards(index: Database, config: RunConfig) -> RewardSet | None:
    """What a run of this configuration would be scored by. Raises `NotFoundError` for no such set.

    None: nothing, as learning without rewards may be.
    """
    if config.reward_set is None:
        return choose_own_rewards(config)
    if names_task_rewards(config):
        return get_task(config.task).other_rewards[config.reward_set].rewards
    return RewardSet.from_json(get_set(index, "rewards", config.reward_set).content)
