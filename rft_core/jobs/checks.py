"""Gathering the facts that a configuration is checked against: its prompts, rewards and model.

The rules themselves are in `planning.problems`. Nothing is downloaded and no model is loaded.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from sqlite_utils import Database

from rft_core.config import RunConfig
from rft_core.errors import BadInputError, ModelUnavailableError, NotFoundError, RftError
from rft_core.hardware import get_free_disk, get_hardware
from rft_core.jobs.pinning import make_task_prompt_set
from rft_core.model_files import ModelSummary, find_local_folder, model_summary
from rft_core.planning import Facts, Problem, estimate, find_problems
from rft_core.prompts import PromptSet
from rft_core.rewards.composition import check_reward_set
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import get_prompt_set, get_reward_set, open_index
from rft_core.tasks import get_task

CUSTOM_TASK = "custom"
PROMPTS_MEASURED = (
    32  # the longest by characters; the longest in tokens is nearly surely among them
)


def list_problems(runs_dir: Path, config: RunConfig) -> list[Problem]:
    """Everything that would stop this run. Empty: it can be launched."""
    with open_index(runs_dir) as index:
        return _list_problems(index, runs_dir, config)


def check_config(index: Database, runs_dir: Path, config: RunConfig) -> None:
    """Raise one `BadInputError` that names every problem."""
    if problems := _list_problems(index, runs_dir, config):
        raise BadInputError("This run cannot start", "; ".join(str(p) for p in problems))


def _list_problems(index: Database, runs_dir: Path, config: RunConfig) -> list[Problem]:
    problems: list[Problem] = []
    prompt_set = model = None
    try:
        prompt_set = _get_prompt_set(index, config)
    except RftError as error:
        problems.append(_problem("prompt_set" if config.prompt_set else "task", error))
    try:
        _check_rewards(index, config)
    except RftError as error:
        problems.append(_problem("reward_set" if config.reward_set else "task", error))
    try:
        model = model_summary(config.model)
    except ModelUnavailableError as error:
        problems.append(_problem("model", error))
    facts = Facts(
        hardware=get_hardware(),
        free_disk=get_free_disk(runs_dir),
        needed_disk=estimate(config, runs_dir).disk_bytes,
        is_vllm_installed=importlib.util.find_spec("vllm") is not None,
        model=model,
        num_train_prompts=len(prompt_set.train_rows) if prompt_set else None,
        longest_prompt=_count_longest_prompt(prompt_set, model) if prompt_set else None,
    )
    return list(dict.fromkeys(problems + find_problems(config, facts)))


def _get_prompt_set(index: Database, config: RunConfig) -> PromptSet:
    """The stored set, or what the task would bring."""
    if config.prompt_set is None:
        if config.task == CUSTOM_TASK:
            raise BadInputError("A custom task needs a prompt set", "", "Choose one or upload one")
        return make_task_prompt_set(config)
    prompt_set = PromptSet.from_json(get_prompt_set(index, config.prompt_set).content)
    if config.reward_set is None and config.task != CUSTOM_TASK:
        for row in prompt_set.rows:  # the task's own rewards read the task's own columns
            get_task(config.task).check_row(row)
    return prompt_set


def _check_rewards(index: Database, config: RunConfig) -> None:
    if config.reward_set is not None:
        reward_set = RewardSet.from_json(get_reward_set(index, config.reward_set).content)
    elif config.task == CUSTOM_TASK:
        raise BadInputError("A custom task needs a reward set", "", "Choose one or write one")
    else:
        reward_set = get_task(config.task).reward_set
    check_reward_set(reward_set)
    if not any(reward_set.weights):
        raise NotFoundError(
            "Every reward function has weight 0", "There is nothing to learn from", "Raise a weight"
        )


def _count_longest_prompt(prompt_set: PromptSet, model: ModelSummary | None) -> int | None:
    """In tokens, without the chat template's own; None without a tokenizer on this machine."""
    folder = find_local_folder(model.name) if model else None
    if folder is None or not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = ["\n".join(message["content"] for message in prompt) for prompt in prompt_set.prompts()]
    longest = sorted(texts, key=len, reverse=True)[:PROMPTS_MEASURED]
    return max((len(encoding.ids) for encoding in tokenizer.encode_batch(longest)), default=None)


def _problem(field: str, error: RftError) -> Problem:
    return Problem(field, " — ".join(filter(None, (error.what, error.why))), error.fix)
