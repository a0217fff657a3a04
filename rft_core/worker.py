"""The worker: the process in which one run lives, from loading the model to its last checkpoint.

    python -m rft_core.worker RUN_ID     or --spare: get ready, and wait to be given a run

It holds the run's lock for as long as it lives, is the only writer of its database, and says how it
ended: finished, stopped, failed or needs_attention. Killed, it says nothing, which is what
"crashed" means. Prompts and rewards come only from the sets that the run has pinned. Exit code 0:
it did what was asked (a stop included); 1: it failed; 2: it could not begin.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import socket
import sqlite3
import sys
import threading
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

from rft_core.data.pair_set import PairSet
from rft_core.data.prompt_set import PromptSet
from rft_core.diagnosis.best_step import name_measure
from rft_core.errors import BadInputError, NotFoundError, RftError
from rft_core.paths import (
    get_adapter_dir,
    get_checkpoint_dir,
    get_checkpoints_dir,
    get_heartbeat_path,
    get_initial_adapter_dir,
    get_run_dir,
    get_runs_dir,
    get_worker_lock_path,
    keep_files_private,
)
from rft_core.planning import estimate
from rft_core.rewards.contract import RewardSet
from rft_core.sampling.reward_models import RewardModels
from rft_core.sampling.service.lease import hold_device
from rft_core.store.commands import get_last_start, list_commands
from rft_core.store.index import open_index
from rft_core.store.phase_times import phase_totals
from rft_core.store.preflights import get_preflight
from rft_core.store.run_reader import (
    last_step_without_gap,
    open_run,
    reward_means,
    silent_functions,
    tokens_trained,
    training_seconds,
    validated_steps,
    validation_values,
)
from rft_core.store.run_writer import RunWriter
from rft_core.store.runs import RunRow, get_run
from rft_core.store.sets import get_set
from rft_core.store.sqlite.reserve import ensure_reserve
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import HANDED_OVER, FileLock
from rft_core.training.ending import (
    MOVED,
    AttemptEnding,
    explain_ending,
    explain_failure,
    explain_silence,
)
from rft_core.training.heartbeat import heartbeat
from rft_core.training.saving.checkpoints import Resumable, find_resumable, remove_leftovers
from rft_core.training.saving.disk_room import make_room
from rft_core.training.stop import StopRequest, StopRequestedError

LONGEST_ID = 4096  # bytes
RESERVED_BYTES = 32 << 20  # of addresses, unused: for the last words where memory has run out

logger = logging.getLogger(__name__)
_importing = threading.Lock()


@dataclass(frozen=True)
class Assignment:
    """All that a run has pinned, and where it goes on.

    `command`: the request that this life answers, whoever started it; None when there is none.
    """

    runs_dir: Path
    run: RunRow
    prompts: PromptSet
    rewards: RewardSet | None
    resume: Resumable
    command: str | None
    pairs: PairSet | None = None


def run_in_foreground(run_id: str, runs_dir: Path | None = None) -> int:
    """Live through the run in this process; the exit code. Ctrl-C stops it with a checkpoint."""
    _prepare_process()
    runs_dir = runs_dir or get_runs_dir()
    stop = StopRequest()
    lock = FileLock(get_worker_lock_path(runs_dir, run_id))
    try:
        with open_index(runs_dir) as index:
            get_run(index, run_id)  # an unknown run must not get a folder for its lock
        lock.acquire()
        ensure_reserve(runs_dir)
        with (
            closing(RunWriter(runs_dir, run_id)) as writer,
            stop.handle_signals(),
            heartbeat(
                get_heartbeat_path(runs_dir, run_id), lock.is_in_place, lambda: stop.abandon(MOVED)
            ),
        ):
            ending = live(read_assignment(runs_dir, run_id), writer, stop)
    except StopRequestedError:
        return 0  # before the attempt began: the stop command in the index tells the story
    except (RftError, OSError, sqlite3.Error) as error:
        with suppress(OSError):  # a full disk: the log is on it
            print(explain_failure(error), file=sys.stderr)
        return 2
    finally:
        lock.release()
    return 1 if ending.outcome == "failed" else 0


def live(assignment: Assignment, writer: RunWriter, stop: StopRequest) -> AttemptEnding:
    """One attempt, from its first row to its outcome: a run never ends without a reason."""
    run_dir = get_run_dir(assignment.runs_dir, assignment.run.id)
    reserve = bytearray(RESERVED_BYTES)
    try:
        _begin(assignment, writer)
        ending = _work(assignment, writer, stop)
    except BaseException as error:  # a library's panic is none of Python's exceptions
        stop.ignore()
        del reserve
        ending = explain_ending(error, run_dir)
    stop.ignore()
    if ending.outcome == "needs_attention":
        make_room(assignment.runs_dir, assignment.run.id)
    writer.end_attempt(ending.outcome, ending.message)
    logger.info("%s %s", ending.outcome, ending.message)
    return ending


def _begin(assignment: Assignment, writer: RunWriter) -> None:
    run, resume = assignment.run, assignment.resume
    process = get_identity(os.getpid())
    writer.start_attempt(
        from_step=resume.step,
        pid=process.pid,
        pid_started=process.started,
        command=assignment.command,
    )
    writer.set_progress(
        "loading", "importing torch", step=resume.step, max_steps=run.config.max_steps
    )
    for reason in resume.skipped:
        writer.add_event("checkpoint_skipped", reason)


def _work(assignment: Assignment, writer: RunWriter, stop: StopRequest) -> AttemptEnding:
    """Load and train. torch is imported here at the latest: the loading is seen from the start."""
    _import_libraries()
    import torch

    from rft_core.training.run_session import RunSession, train

    run, runs_dir = assignment.run, assignment.runs_dir
    *_, last = run.config.plan_stages()
    torch.set_num_threads(run.config.num_threads or 1)  # older runs name none
    with open_run(runs_dir, run.id) as db:
        elapsed, tokens, phases = training_seconds(db), tokens_trained(db), phase_totals(db)
        rewards_by_step, validated = reward_means(db), validated_steps(db)
        measures = validation_values(db, name_measure(last.config))
        has_preflight = get_preflight(db) is not None
    session = RunSession(
        run.config,
        assignment.prompts,
        assignment.rewards,
        get_checkpoints_dir(runs_dir, run.id),
        get_adapter_dir(runs_dir, run.id),
        assignment.resume,
        _find_initial_adapter(assignment),
        elapsed,
        tokens,
        phases,
        assignment.pairs,
        RewardModels(runs_dir, run.id, here=True),
        rewards_by_step,
        validated,
        has_preflight,
        measures,
    )
    needed = estimate(run.config, runs_dir).memory_bytes
    with hold_device(runs_dir, run.id, needed):
        ending = AttemptEnding(*train(session, writer, stop))
    if ending.outcome != "finished":
        return ending
    with open_run(runs_dir, run.id) as db:
        silence = explain_silence(silent_functions(db))
        return replace(ending, message=". ".join(filter(None, (ending.message, silence))))


def _import_libraries() -> None:
    """Those that training needs: seconds of work, which a spare worker does before it has a run.

    Whoever comes second waits for the first: two threads that import what imports each other would
    see halves of modules.
    """
    with _importing:
        gc.disable()  # modules stay: to look for garbage in them takes a sixth of their import
        try:
            from rft_core.training import run_session  # noqa: F401
        finally:
            gc.freeze()
            gc.enable()


def read_assignment(runs_dir: Path, run_id: str) -> Assignment:
    """Only under the run's lock: another worker might be writing a checkpoint."""
    with open_index(runs_dir) as index:
        run = get_run(index, run_id)
        needed = any("rewards" in method.needs for method in run.config.methods)
        if run.config.prompt_set is None or (needed and run.config.reward_set is None):
            raise BadInputError(
                f"The run '{run_id}' has not pinned its prompts and rewards",
                "",
                "Start runs with: python -m rft_core launch",
            )
        prompts = PromptSet.from_json(get_set(index, "prompts", run.config.prompt_set).content)
        rewards = None
        if run.config.reward_set is not None:
            rewards = RewardSet.from_json(get_set(index, "rewards", run.config.reward_set).content)
        pairs = None
        if run.config.pair_set is not None:
            pairs = PairSet.from_json(get_set(index, "pairs", run.config.pair_set).content)
        start = get_last_start(list_commands(index, run=run_id))
    checkpoints = get_checkpoints_dir(runs_dir, run_id)
    resume = find_resumable(checkpoints, recorded=_read_last_step(runs_dir, run_id))
    remove_leftovers(checkpoints, after_step=resume.step)
    return Assignment(runs_dir, run, prompts, rewards, resume, start.id if start else None, pairs)


def _read_last_step(runs_dir: Path, run_id: str) -> int:
    """The last step that is recorded without a gap before it."""
    try:
        with open_run(runs_dir, run_id) as db:
            return last_step_without_gap(db)
    except NotFoundError:
        return 0


def _find_initial_adapter(assignment: Assignment) -> Path | None:
    """A fork starts from its own copy of its parent's policy. Older forks have none."""
    run, runs_dir = assignment.run, assignment.runs_dir
    is_resumed = assignment.resume.path is not None
    is_reference = run.config.reference == "stage_start"  # then it is wanted after a resume too
    own = get_initial_adapter_dir(runs_dir, run.id)
    if own.is_dir():
        return own  # after a resume it is still what the first stage began with
    if run.parent_run is None or run.parent_step is None or (is_resumed and not is_reference):
        return None
    return get_checkpoint_dir(runs_dir, run.parent_run, run.parent_step)


def _prepare_process() -> None:
    """What must be set before torch and the hub's client are imported."""
    # A thread that waits must sleep: spinning, two on two busy cores are ten times slower than one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")  # TRL reports every trainer otherwise
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # the reward's process is forked
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.WARNING,
        format="%(asctime)s %(message)s",
        datefmt="%Y-%m-%d %H:%M:%S",
    )
    logging.getLogger("rft_core").setLevel(logging.INFO)
    logging.getLogger("trl").setLevel(logging.ERROR)  # it repeats what the recorder has said


def main() -> int:
    keep_files_private()
    parser = argparse.ArgumentParser(description="Train one run, from start or where it stopped.")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("run_id", nargs="?")
    which.add_argument("--spare", action="store_true", help="wait to be given a run")
    run_id = parser.parse_args().run_id or _wait_as_spare()
    return run_in_foreground(run_id) if run_id else 0


def _wait_as_spare() -> str | None:
    """The run that it is given, whose log it then writes and whose lock it holds; None: none.

    Whoever gives it (`jobs/backends/spare.py`) sends the files as descriptors. The libraries are
    imported meanwhile, and further on if they must: the run begins at once, and hears a stop.
    """
    _prepare_process()
    threading.Thread(target=_import_libraries, daemon=True).start()
    with socket.socket(fileno=os.dup(sys.stdin.fileno())) as giver:
        run, descriptors, _, _ = socket.recv_fds(giver, LONGEST_ID, 2)
    if len(descriptors) != 2:
        return None
    log, lock = descriptors
    for stream in (sys.stdout, sys.stderr):
        os.dup2(log, stream.fileno())
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    os.close(log)
    os.environ[HANDED_OVER] = str(lock)
    return run.decode()


def leave(code: int) -> NoReturn:
    """End at once. All that matters is on disk, and torch takes its time to tidy up its own."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
