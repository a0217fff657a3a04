"""What pages and the command line may ask for: launch, stop, kill, resume, fork, delete.

Asking writes rows into `index.db`, at once and all or nothing; the supervisor does the work. Each
request carries a command id: the same one twice (a double click) is one request. Nothing here
waits for a worker, except `wait_for_end`.
"""

from __future__ import annotations

import re
import secrets
import shutil
import sqlite3
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig, make_config, without_unread
from rft_core.data.prompt_set import BUILT_IN, PromptSet
from rft_core.errors import BadInputError, NotFoundError, RftError, UnreadableRunError
from rft_core.jobs.checks import check_config, settle_length
from rft_core.jobs.pinning import pin_adapter, pin_sets, pin_threads
from rft_core.jobs.processes import ensure_supervisor, read_max_runs
from rft_core.jobs.readiness import wish_readiness
from rft_core.jobs.rescoring import cancel_rescores
from rft_core.jobs.reward_models import pin_reward_models
from rft_core.paths import (
    SCORE_HEAD_FILE,
    get_checkpoint_dir,
    get_run_dir,
    get_supervisor_lock_path,
    get_supervisor_log_path,
)
from rft_core.store.commands import (
    LOCAL,
    add_command,
    find_command,
    get_last_start,
    has_open_commands,
    list_commands,
)
from rft_core.store.deletion import finish_deletions, remove_run
from rft_core.store.index import open_index
from rft_core.store.run_reader import Checkpoint, has_database, list_checkpoints, open_run
from rft_core.store.runs import add_run, check_run_exists, get_run
from rft_core.store.sets import get_set
from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.state.evidence import read_evidence
from rft_core.store.state.rules import ACTIVE_STATES, derive_state
from rft_core.store.state.run_lock import is_locked
from rft_core.store.state.status import RunStatus, get_run_status, is_run_active

# The adapter of the parent fits the fork only while these stay as they are.
FIXED_IN_A_FORK = (
    "model", "lora_r", "lora_alpha", "lora_dropout", "target_modules", "use_rslora", "use_dora",
    "modules_to_save",
)  # fmt: skip
POLL_SECONDS = 0.2
RESTART_SECONDS = 2.0  # between two starts of a supervisor by those who only look


def launch(
    runs_dir: Path, config: RunConfig, *, command_id: str | None = None, backend: str = LOCAL
) -> str:
    """Check, pin the prompts and rewards, and queue a run. Returns its id.

    `backend`: where all its workers live. Raises `BadInputError` naming every problem,
    before anything is written.
    """
    return _add_run(runs_dir, config, command_id, backend)


def prepare_launch(runs_dir: Path) -> None:
    """Somebody is about to launch a run: have a worker on its way. Never raises."""
    with suppress(RftError, OSError):
        if wish_readiness(runs_dir):
            ensure_supervisor(runs_dir)


def fork(
    runs_dir: Path,
    run_id: str,
    *,
    step: int | None = None,
    changes: Mapping[str, Any] | None = None,
    command_id: str | None = None,
) -> str:
    """Queue a new run that begins with the adapter of `run_id` at `step` (default: the newest).

    `changes` are settings that differ from the parent's. The fork counts its own steps from 0, its
    `reference` says what KL is measured to, and it is made where its parent was. Returns its id.
    """
    with open_index(runs_dir) as index:
        parent = get_run(index, run_id)
        begun = get_last_start(list_commands(index, run=run_id))
        changes = dict(changes or {})
        counts = {"num_prompts", "num_validation_prompts"} & changes.keys()
        is_made = bool(counts) and _has_made_prompts(index, parent.config)
    checkpoint = _choose_checkpoint(runs_dir, run_id, step)
    config = _fork_config(parent.config, changes, has_other_rows=is_made)
    _check_begins_with_policy(runs_dir, run_id, checkpoint.step, config)
    backend = begun.backend if begun else LOCAL
    return _add_run(runs_dir, config, command_id, backend, parent=run_id, step=checkpoint.step)


def resume(runs_dir: Path, run_id: str, *, command_id: str | None = None) -> None:
    """Queue a stopped, failed or crashed run again: it continues from its newest checkpoint."""
    with open_index(runs_dir) as index:
        if command_id and find_command(index, command_id):
            return
        read_max_runs()
        status = get_run_status(index, runs_dir, run_id)
        if status.is_active:
            raise BadInputError(
                f"Run '{run_id}' is {status.state}: there is nothing to resume",
                "",
                f"Watch it: python -m rft_core show {run_id}",
            )
        if status.state == "unreadable":
            raise UnreadableRunError(
                f"Run '{run_id}' cannot go on", status.message, "Launch it anew, or delete it"
            )
        if status.state == "finished":
            raise BadInputError(
                f"Run '{run_id}' has finished its {status.max_steps} steps",
                "",
                f"To train on, fork it: python -m rft_core fork {run_id} --step {status.step}",
            )
        add_command(index, id=command_id or new_command_id(), kind="resume", run=run_id)
    ensure_supervisor(runs_dir)


def stop(runs_dir: Path, run_id: str, *, command_id: str | None = None) -> None:
    """Ask a run to save a checkpoint and end; a queued one is taken off the queue.

    Stopping a run that is not active changes nothing.
    """
    _ask_active(runs_dir, run_id, "stop", command_id)


def kill(runs_dir: Path, run_id: str, *, command_id: str | None = None) -> None:
    """End a run at once: what it made since its newest checkpoint is made again on resume."""
    _ask_active(runs_dir, run_id, "kill", command_id)


def delete(runs_dir: Path, run_id: str) -> None:
    """Remove a run's rows and its folder. Refused while it is active.

    One whose record is damaged may wait in the queue all the same: it leaves it.
    """
    remove_run(runs_dir, run_id, check=lambda index: _check_deletable(index, runs_dir, run_id))
    cancel_rescores(runs_dir, run_id)
    finish_deletions(runs_dir)


def _check_deletable(index: Database, runs_dir: Path, run_id: str) -> None:
    check_run_exists(index, run_id)
    commands, evidence = list_commands(index, run=run_id), read_evidence(runs_dir, run_id)
    state = derive_state(commands, evidence)
    had_worker = any(command.has_worker for command in commands)
    is_damaged = bool(evidence.problem) or (had_worker and not evidence.attempts)
    if state in ACTIVE_STATES and not (state == "queued" and is_damaged):
        raise BadInputError(f"Run '{run_id}' is {state}", "", "Stop it before deleting it")


def wait_for_end(
    runs_dir: Path,
    run_id: str,
    *,
    timeout: float | None = None,
    on_poll: Callable[[RunStatus], None] | None = None,
) -> RunStatus:
    """Wait until the run is no longer active; after `timeout` seconds return it as it is."""
    deadline = time.monotonic() + timeout if timeout is not None else None
    while True:
        ensure_commands_are_served(runs_dir)
        with open_index(runs_dir) as index:
            status = get_run_status(index, runs_dir, run_id)
        if on_poll:
            on_poll(status)
        if not status.is_active or (deadline is not None and time.monotonic() > deadline):
            return status
        time.sleep(POLL_SECONDS)


def ensure_commands_are_served(runs_dir: Path) -> None:
    """Start a supervisor if something waits for one and none lives (it may have been killed).

    For every look at the runs: it costs one query as a rule, and never raises.
    """
    with suppress(RftError, sqlite3.Error, OSError):
        if is_locked(get_supervisor_lock_path(runs_dir)) or _has_just_ended(runs_dir):
            return
        with open_index(runs_dir) as index:
            is_waiting = has_open_commands(index)
        if is_waiting:
            ensure_supervisor(runs_dir)


def _has_just_ended(runs_dir: Path) -> bool:
    """A supervisor that cannot work must not be started anew by every page and tick."""
    try:
        return time.time() - get_supervisor_log_path(runs_dir).stat().st_mtime < RESTART_SECONDS
    except OSError:
        return False


def new_command_id() -> str:
    """For a form: make one when it is shown, pass it with the click."""
    return uuid.uuid4().hex


def _ask_active(runs_dir: Path, run_id: str, kind: str, command_id: str | None) -> None:
    with open_index(runs_dir) as index:
        if not is_run_active(index, runs_dir, run_id):
            return
        add_command(index, id=command_id or new_command_id(), kind=kind, run=run_id)
    ensure_supervisor(runs_dir)


def _add_run(
    runs_dir: Path,
    config: RunConfig,
    command_id: str | None,
    backend: str,
    *,
    parent: str | None = None,
    step: int | None = None,
) -> str:
    command_id = command_id or new_command_id()
    with open_index(runs_dir) as index:
        if earlier := find_command(index, command_id):
            return earlier.run
        max_runs = read_max_runs()
        config, _ = settle_length(runs_dir, config)
        check_config(index, runs_dir, config)
        config = pin_threads(config, max_runs)  # before a worker of ours is what keeps cores busy
        wish_readiness(runs_dir)
        ensure_supervisor(runs_dir)  # it begins while the prompts are made, and so does a worker
        config = pin_sets(index, config)
        added, run_id = "", _make_folder(runs_dir, config)
        try:
            config = pin_reward_models(index, runs_dir, run_id, config)
            if parent is not None and step is not None:
                pin_adapter(runs_dir, run_id, parent=parent, step=step)
            added = add_run(
                index, id=run_id, config=config, parent_run=parent, parent_step=step,
                launch_id=command_id, backend=backend,
            )  # fmt: skip
        finally:
            if added != run_id:  # it failed, or the other half of a double click was faster
                shutil.rmtree(get_run_dir(runs_dir, run_id), ignore_errors=True)
    ensure_supervisor(runs_dir)
    return added


def _make_folder(runs_dir: Path, config: RunConfig) -> str:
    """A readable id that is free: countdown-20261121-0753-a1b2."""
    task = re.sub(r"[^a-z0-9_]+", "-", config.task.lower()).strip("-") or "run"
    while True:
        run_id = f"{task}-{time.strftime('%Y%m%d-%H%M')}-{secrets.token_hex(2)}"
        try:
            get_run_dir(runs_dir, run_id).mkdir(parents=True)
        except FileExistsError:
            continue
        return run_id


def _choose_checkpoint(runs_dir: Path, run_id: str, step: int | None) -> Checkpoint:
    checkpoints: list[Checkpoint] = []
    if has_database(runs_dir, run_id):
        with open_run(runs_dir, run_id) as db:
            checkpoints = list_checkpoints(db)
    if not checkpoints:
        raise NotFoundError(
            f"Run '{run_id}' has no checkpoint yet",
            "",
            "Wait for the first while it trains; if it has ended, resume it or choose another run",
        )
    for checkpoint in checkpoints:
        if step == checkpoint.step:
            return checkpoint
    if step is None:
        return checkpoints[-1]
    known = ", ".join(str(checkpoint.step) for checkpoint in checkpoints)
    raise NotFoundError(
        f"Run '{run_id}' has no checkpoint at step {step}", "", f"Choose from {known}"
    )


def _check_begins_with_policy(runs_dir: Path, run_id: str, step: int, config: RunConfig) -> None:
    """A reward model's adapter judges: a stage that is to answer cannot begin with it."""
    if config.methods[0].leaves == "reward_model":
        return
    if (get_checkpoint_dir(runs_dir, run_id, step) / SCORE_HEAD_FILE).is_file():
        raise BadInputError(
            f"What run '{run_id}' has at step {step} is a reward model",
            "It judges answers and writes none, so no policy can begin with it",
            "Launch a run whose rewards name it, or fork from a step of a policy",
        )


def _has_made_prompts(index: Database, config: RunConfig) -> bool:
    """Whether a task has made them, which can make others."""
    if config.prompt_set is None:
        return True
    stored = PromptSet.from_json(get_set(index, "prompts", config.prompt_set).content)
    return stored.source == BUILT_IN


def _fork_config(parent: RunConfig, changes: dict[str, Any], *, has_other_rows: bool) -> RunConfig:
    """The parent's settings with the changes; a new task brings its own prompts and rewards.

    `has_other_rows`: the task makes the prompts anew, as another number of them is wanted. A parent
    in stages gives those of its last one. What another method does not read falls away.
    """
    *_, last = parent.plan_stages()
    parent = last.config
    method = changes.get("method", parent.method)
    values = without_unread(parent.model_dump(mode="json") | {"name": "", "method": method})
    if "stages" in changes:
        values = {k: v for k, v in values.items() if k not in ("method", "max_steps")}
    if changes.get("task", parent.task) != parent.task:
        values |= {"prompt_set": None, "reward_set": None}
    if has_other_rows:
        values |= {"prompt_set": None}
    config = make_config(values | changes)
    fixed = [name for name in FIXED_IN_A_FORK if getattr(config, name) != getattr(parent, name)]
    if fixed:
        raise BadInputError(
            f"A fork cannot change {', '.join(fixed)}",
            "It begins with its parent's adapter",
            "Launch a new run instead",
        )
    return config
