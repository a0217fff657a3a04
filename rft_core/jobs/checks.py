"""Gathering the facts that a configuration is checked against: its prompts, rewards and model.

The rules themselves are in `planning.problems`. Nothing is downloaded and no model is loaded.
"""

from __future__ import annotations

import heapq
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from rft_core.config import RunConfig, describe_epochs, has_epochs, settle_epochs, uses
from rft_core.data import PromptSet
from rft_core.data.pair_prompts import make_pair_prompt_set
from rft_core.data.pair_set import PairSet
from rft_core.errors import BadInputError, ModelUnavailableError, NotFoundError, RftError
from rft_core.hardware import get_free_disk, get_hardware
from rft_core.jobs.judge_calls import JudgeCalls, count_judge_calls, refuse_lone_rankings
from rft_core.jobs.pinning import find_rewards, names_task_rewards
from rft_core.jobs.reward_models import check_reward_models
from rft_core.jobs.row_problems import list_row_problems
from rft_core.jobs.sandbox_report import get_sandbox_report
from rft_core.model_files import ModelSummary, find_local_folder, model_summary
from rft_core.planning import LaunchFacts, estimate, find_problems
from rft_core.planning.quantisation import find_obstacle
from rft_core.rewards.imports import refuse_missing_modules
from rft_core.rewards.judge.keys import check_keys
from rft_core.rewards.registry import list_code, refuse_code
from rft_core.rewards.scorer import check_reward_set
from rft_core.sampling.loading.model_trial import read_template
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
    num_validation: int
    longest: tuple[str, ...]


def list_problems(runs_dir: Path, config: RunConfig) -> list[Problem]:
    """Everything that would stop this run. Empty: it can be launched."""
    config, _ = settle_length(runs_dir, config)
    with open_index(runs_dir) as index:
        return _list_problems(index, runs_dir, config)


def list_warnings(runs_dir: Path, config: RunConfig) -> list[Problem]:
    """What will not stop this run and may spoil it: rows that nothing can score."""
    found = list_row_problems(runs_dir, config)
    return [replace(p, where="prompt_set") for p in found if p.severity != "error"]


def settle_length(runs_dir: Path, config: RunConfig) -> tuple[RunConfig, str]:
    """The same run in steps, and how its epochs were counted: "" where it says none.

    Where the prompts cannot be found it stays as it is; that is among its problems.
    """
    if not has_epochs(config):
        return config, ""
    with open_index(runs_dir) as index:
        try:
            prompts = _get_prompts(index, runs_dir, config).num_train
            judgements = 0
            if config.pair_set is not None:
                judgements = _get_pairs(index, config.pair_set).num_train_judgements
        except RftError:
            return config, ""
    found = prompts, judgements
    return settle_epochs(config, *found), describe_epochs(config, *found)


def list_judge_calls(runs_dir: Path, config: RunConfig) -> tuple[JudgeCalls, ...]:
    """How often this run would ask each of its judges, at most. Nothing where it cannot start."""
    config, _ = settle_length(runs_dir, config)
    with open_index(runs_dir) as index:
        try:
            reward_set = find_rewards(index, config)
            if reward_set is None or not any(e.grader == "judge" for e in reward_set.entries):
                return ()
            prompts = _get_prompts(index, runs_dir, config)
        except RftError:
            return ()  # it is among the run's problems
    validated = min(prompts.num_validation, config.num_validation_prompts)
    return count_judge_calls(config, reward_set, validated)


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
        _check_rewards(index, runs_dir, config)
    except RftError as error:
        problems.append(_problem("reward_set" if config.reward_set else "task", error))
    try:
        _check_gold(index, config)
    except RftError as error:
        problems.append(_problem("gold_column" if config.gold_column else "method", error))
    try:
        _check_pairs(index, config)
    except RftError as error:
        problems.append(_problem("pair_set", error))
    try:
        model = model_summary(config.model)
    except ModelUnavailableError as error:
        problems.append(_problem("model", error))
    facts = LaunchFacts(
        hardware=get_hardware(),
        free_disk=get_free_disk(runs_dir),
        needed_disk=estimate(config, runs_dir).disk_bytes,
        is_vllm_installed=importlib.util.find_spec("vllm") is not None,
        bitsandbytes_obstacle=find_obstacle(has_gpu=bool(get_hardware().gpus)),
        model=model,
        chat_template=_read_chat_template(model) if config.chat_template_kwargs else None,
        num_train_prompts=prompts.num_train if prompts else None,
        longest_prompt=_count_longest_prompt(prompts, model) if prompts else None,
        missing_reporters=tuple(
            name for name in config.report_to if importlib.util.find_spec(name) is None
        ),
    )
    for plan in config.plan_stages():
        problems += find_problems(plan.config, facts)
    of_rows = list_row_problems(runs_dir, config)
    problems += [replace(p, where="prompt_set") for p in of_rows if p.severity == "error"]
    return list(dict.fromkeys(problems))


def _get_prompts(index: Database, runs_dir: Path, config: RunConfig) -> _Prompts:
    """Of the stored set, or of what the task would bring."""
    if config.prompt_set is not None:
        get_set(index, "prompts", config.prompt_set)
        is_of_task = config.reward_set is None or names_task_rewards(config)
        task_name = config.task if is_of_task and config.task != CUSTOM_TASK else None
        return _read_stored(runs_dir, config.prompt_set, task_name)
    if config.task == CUSTOM_TASK and config.pair_set is not None:
        stored_pairs = _get_pairs(index, config.pair_set)
        own = make_pair_prompt_set(stored_pairs)
        return _count_prompts(own)
    if config.task == CUSTOM_TASK:
        raise BadInputError("A custom task needs a prompt set", "", "Choose one or upload one")
    task = get_task(config.task)
    train, validation = task.load(
        min(config.num_prompts, ROWS_LOOKED_AT),
        min(config.num_validation_prompts, ROWS_LOOKED_AT),
        config.seed,
    )
    asked = [task.prompt(row) for row in (*train, *validation)]
    return _Prompts(config.num_prompts, config.num_validation_prompts, _longest(asked))


@lru_cache(maxsize=8)
def _read_stored(runs_dir: Path, prompt_set: str, task: str | None) -> _Prompts:
    """A stored set never changes: it is read once, however often a form is drawn."""
    with open_index(runs_dir) as index:
        stored = PromptSet.from_json(get_set(index, "prompts", prompt_set).content)
    for row in stored.rows if task else ():  # the task's own rewards read the task's own columns
        get_task(str(task)).check_row(row)
    return _count_prompts(stored)


def _count_prompts(stored: PromptSet) -> _Prompts:
    split = stored.split
    return _Prompts(len(split.train), len(split.validation), _longest(stored.prompts()))


def _longest(prompts: Iterable[Sequence[Message]]) -> tuple[str, ...]:
    texts = ("\n".join(message["content"] for message in prompt) for prompt in prompts)
    return tuple(heapq.nlargest(PROMPTS_MEASURED, texts, key=len))


def _check_rewards(index: Database, runs_dir: Path, config: RunConfig) -> None:
    reward_set = find_rewards(index, config)
    if reward_set is None:
        if any("rewards" in method.needs for method in config.methods):
            raise BadInputError("A custom task needs a reward set", "", "Choose one or write one")
        return  # learned without rewards, and not validated by them
    check_reward_set(reward_set)
    check_reward_models(runs_dir, config, reward_set)
    check_keys(reward_set)
    refuse_lone_rankings(config, reward_set)
    refuse_missing_modules(reward_set)
    if list_code(reward_set) and not get_sandbox_report().tier:
        raise refuse_code(reward_set, get_sandbox_report().missing)
    if not any(reward_set.weights):
        raise NotFoundError(
            "Every reward function has weight 0", "There is nothing to learn from", "Raise a weight"
        )


def _check_gold(index: Database, config: RunConfig) -> None:
    """For stages that learn given completions: some must be known where one needs them."""
    if not any(uses(method, "gold_column") for method in config.methods):
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
    needed = any(plan.config.needs_gold for plan in config.plan_stages())
    column, reasoning = config.gold_column, config.gold_reasoning
    list_gold(rows, task=task, column=column, reasoning=reasoning, required=needed)


def _check_pairs(index: Database, config: RunConfig) -> None:
    """For methods that learn which of two answers is preferred."""
    wanting = [method.title for method in config.methods if "pairs" in method.needs]
    if not wanting:
        return
    if config.pair_set is None:
        raise BadInputError(
            f"{wanting[0]} learns from pairs, and no pair set is named",
            "",
            "Make one: python -m rft_core pairs from-run RUN, or from votes in Chat",
        )
    if not _get_pairs(index, config.pair_set).train_pairs:
        raise BadInputError("The pair set holds out all its pairs", "", "Make it again with fewer")


def _get_pairs(index: Database, pair_set: str) -> PairSet:
    return PairSet.from_json(get_set(index, "pairs", pair_set).content)


def _count_longest_prompt(prompts: _Prompts, model: ModelSummary | None) -> int | None:
    """In tokens, without the chat template's own; None without a tokenizer on this machine."""
    folder = find_local_folder(model.name) if model else None
    if folder is None or not (folder / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    encodings = tokenizer.encode_batch(list(prompts.longest))
    return max((len(encoding.ids) for encoding in encodings), default=None)


def _read_chat_template(model: ModelSummary | None) -> str | None:
    """Empty where the model has none; None where it is not on this machine, or cannot be read."""
    folder = find_local_folder(model.name) if model else None
    if folder is None:
        return None
    try:
        return str(read_template(folder) or "")
    except (OSError, ValueError, LookupError, TypeError):
        return None  # whoever loads the tokenizer says what is wrong


def _problem(field: str, error: RftError) -> Problem:
    fix = error.fix
    if isinstance(error, NotFoundError) and field.endswith("_set"):
        fix = fix or "List what is stored with: python -m rft_core sets"
    return Problem(
        "refused", "error", field, " — ".join(filter(None, (error.what, error.why))), fix
    )
