"""Gathering the facts that a configuration is checked against: its prompts, rewards and model.

The rules themselves are in `planning.problems`. Nothing is downloaded and no model is loaded.
"""

from __future__ import annotations

import heapq
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, ModelUnavailableError, NotFoundError, RftError
from rft_core.hardware import get_free_disk, get_hardware
from rft_core.model_files import ModelSummary, find_local_folder, model_summary
from rft_core.planning import LaunchFacts, estimate, find_problems
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.imports import refuse_missing_modules
from rft_core.rewards.judge.keys import check_keys
from rft_core.rewards.registry import list_code, refuse_code
from rft_core.rewards.scorer import check_reward_set
from rft_core.sandbox.tiers import SandboxReport, inspect
from rft_core.store.index import open_index
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.tasks import CUSTOM_TASK, get_task
from rft_core.tasks.gold import list_gold
from rft_core.types import Message, Problem

PROMPTS_MEASURED = 32  # the longest in tokens is nearly surely among the longest by characters
GOLD_LOOKED_AT = 8  # of a task's own rows: it writes gold for most, or for none
ROWS_LOOKED_AT = 256  # of a task's own rows, which are alike: a run may ask for 100,000


@dataclass(frozen=True)
class _Prompts:
    """What is checked of a run's prompts. `longest`: texts, longest first."""

    num_train: int
    longest: tuple[str, ...]


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
    prompts = model = None
    try:
        prompts = _get_prompts(index, runs_dir, config)
    except RftError as error:
        problems.append(_problem("prompt_set" if config.prompt_set else "task", error))
    try:
        _check_rewards(index, config)
    except RftError as error:
        problems.append(_problem("reward_set" if config.reward_set else "task", error))
    try:
        _check_gold(index, config)
    except RftError as error:
        problems.append(_problem("gold_column" if config.gold_column else "method", error))
    try:
        model = model_summary(config.model)
    except ModelUnavailableError as error:
        problems.append(_problem("model", error))
    facts = LaunchFacts(
        hardware=get_hardware(),
        free_disk=get_free_disk(runs_dir),
        needed_disk=estimate(config, runs_dir).disk_bytes,
        is_vllm_installed=importlib.util.find_spec("vllm") is not None,
        model=model,
        num_train_prompts=prompts.num_train if prompts else None,
        longest_prompt=_count_longest_prompt(prompts, model) if prompts else None,
    )
    for plan in config.plan_stages():
        problems += find_problems(plan.config, facts)
    return list(dict.fromkeys(problems))


def _get_prompts(index: Database, runs_dir: Path, config: RunConfig) -> _Prompts:
    """Of the stored set, or of what the task would bring."""
    if config.prompt_set is not None:
        get_set(index, "prompts", config.prompt_set)
        own_rewards = config.reward_set is None and config.task != CUSTOM_TASK
        return _read_stored(runs_dir, config.prompt_set, config.task if own_rewards else None)
    if config.task == CUSTOM_TASK:
        raise BadInputError("A custom task needs a prompt set", "", "Choose one or upload one")
    task = get_task(config.task)
    train, validation = task.load(
        min(config.num_prompts, ROWS_LOOKED_AT),
        min(config.num_validation_prompts, ROWS_LOOKED_AT),
        config.seed,
    )
    asked = [task.prompt(row) for row in (*train, *validation)]
    return _Prompts(config.num_prompts, _longest(asked))


@lru_cache(maxsize=8)
def _read_stored(runs_dir: Path, prompt_set: str, task: str | None) -> _Prompts:
    """A stored set never changes: it is read once, however often a form is drawn."""
    with open_index(runs_dir) as index:
        stored = PromptSet.from_json(get_set(index, "prompts", prompt_set).content)
    for row in stored.rows if task else ():  # the task's own rewards read the task's own columns
        get_task(str(task)).check_row(row)
    return _Prompts(len(stored.split.train), _longest(stored.prompts()))


def _longest(prompts: Iterable[Sequence[Message]]) -> tuple[str, ...]:
    texts = ("\n".join(message["content"] for message in prompt) for prompt in prompts)
    return tuple(heapq.nlargest(PROMPTS_MEASURED, texts, key=len))


def _check_rewards(index: Database, config: RunConfig) -> None:
    if config.reward_set is not None:
        reward_set = RewardSet.from_json(get_set(index, "rewards", config.reward_set).content)
    elif config.task == CUSTOM_TASK:
        if not any("rewards" in method.needs for method in config.methods):
            return  # learned without rewards, and not validated
        raise BadInputError("A custom task needs a reward set", "", "Choose one or write one")
    else:
        reward_set = get_task(config.task).reward_set
    check_reward_set(reward_set)
    check_keys(reward_set)
    refuse_missing_modules(reward_set)
    if list_code(reward_set) and not get_sandbox_report().tier:
        raise refuse_code(reward_set, get_sandbox_report().missing)
    if not any(reward_set.weights):
        raise NotFoundError(
            "Every reward function has weight 0", "There is nothing to learn from", "Raise a weight"
        )


def _check_gold(index: Database, config: RunConfig) -> None:
    """For methods that learn given completions: some must be known."""
    if not any("gold" in method.needs for method in config.methods):
        return
    if config.prompt_set is not None:
        stored = PromptSet.from_json(get_set(index, "prompts", config.prompt_set).content)
        rows, task = stored.train_rows, stored.task or config.task
    elif config.task != CUSTOM_TASK:
        task = config.task
        drawn, _ = get_task(task).load(min(config.num_prompts, GOLD_LOOKED_AT), 0, config.seed)
        rows = tuple(drawn)
    else:
        return  # that there are no prompts is said already
    list_gold(rows, task=task, column=config.gold_column, reasoning=config.gold_reasoning)


def get_sandbox_report() -> SandboxReport:
    """What the sandbox holds here. Tried until it holds, then once per process: it takes a sixth
    of a second, and what kept it from working may pass."""
    try:
        return _get_sandbox_that_holds()
    except _NothingHoldsError as error:
        return error.report


class _NothingHoldsError(Exception):
    def __init__(self, report: SandboxReport) -> None:
        self.report = report


@lru_cache(maxsize=1)
def _get_sandbox_that_holds() -> SandboxReport:
    """Raises instead of returning what must not be remembered."""
    report = inspect()
    if not report.tier:
        raise _NothingHoldsError(report)
    return report


def _count_longest_prompt(prompts: _Prompts, model: ModelSummary | None) -> int | None:
    """In tokens, without the chat template's own; None without a tokenizer on this machine."""
    folder = find_local_folder(model.name) if model else None
    if folder is None or not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encodings = tokenizer.encode_batch(list(prompts.longest))
    return max((len(encoding.ids) for encoding in encodings), default=None)


def _problem(field: str, error: RftError) -> Problem:
    fix = error.fix
    if isinstance(error, NotFoundError) and field.endswith("_set"):
        fix = fix or "List what is stored with: python -m rft_core sets"
    return Problem(
        "refused", "error", field, " — ".join(filter(None, (error.what, error.why))), fix
    )
