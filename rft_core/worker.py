"""The worker: the process in which one run lives, from loading the model to its last checkpoint.

    python -m rft_core.worker RUN_ID

It holds the run's lock for as long as it lives, is the only writer of its database, and says how it
ended: finished, stopped, failed or needs_attention. Killed, it says nothing, which is what
"crashed" means. Prompts and rewards come only from the sets that the run has pinned. Exit code 0:
it did what was asked (a stop included); 1: it failed; 2: it could not begin.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rft_core.data.prompt_set import PromptSet
from rft_core.errors import BadInputError, RftError
from rft_core.paths import (
    get_adapter_dir,
    get_checkpoint_dir,
    get_checkpoints_dir,
    get_heartbeat_path,
    get_runs_dir,
    get_worker_lock_path,
)
from rft_core.rewards.contract import RewardSet
from rft_core.store.commands import get_last_start, list_commands
from rft_core.store.index import open_index
from rft_core.store.process_identity import get_identity
from rft_core.store.run_lock import FileLock
from rft_core.store.run_reader import open_run, tokens_trained, training_seconds
from rft_core.store.run_writer import Outcome, RunWriter
from rft_core.store.runs import RunRow, get_run
from rft_core.store.sets import get_prompt_set, get_reward_set
from rft_core.training.checkpoints import Resumable, find_resumable, remove_leftovers
from rft_core.training.stop import StopRequest, StopRequestedError

HEARTBEAT_SECONDS = 1.0
MAX_THREADS = 8

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Assignment:
    """All that a run has pinned, and where it goes on.

    `command`: the request that this life answers, whoever started it; None when there is none.
    """

    runs_dir: Path
    run: RunRow
    prompts: PromptSet
    rewards: RewardSet
    resume: Resumable
    command: str | None


@dataclass(frozen=True)
class Ending:
    outcome: Outcome
    message: str = ""


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
        assignment = read_assignment(runs_dir, run_id)
    except RftError as error:
        lock.release()
        print(error, file=sys.stderr)
        return 2
    try:
        with stop.handle_signals(), closing(RunWriter(runs_dir, run_id)) as writer:
            ending = live(assignment, writer, stop)
    except StopRequestedError:
        return 0  # before the attempt began: the stop command in the index tells the story
    finally:
        lock.release()
    return 1 if ending.outcome == "failed" else 0


def live(assignment: Assignment, writer: RunWriter, stop: StopRequest) -> Ending:
    """One attempt, from its first row to its outcome."""
    run, resume = assignment.run, assignment.resume
    process = get_identity(os.getpid())
    writer.start_attempt(
        from_step=resume.step,
        pid=process.pid,
        pid_started=process.started,
        command=assignment.command,
    )
    writer.set_progress("loading", "starting", step=resume.step, max_steps=run.config.max_steps)
    for reason in resume.skipped:
        writer.add_event("checkpoint_skipped", reason)
    with _heartbeat(get_heartbeat_path(assignment.runs_dir, run.id)):
        try:
            ending = _work(assignment, writer, stop)
        except StopRequestedError:
            ending = Ending("stopped", "Stopped before its first step")
        except RftError as error:
            ending = Ending("failed", str(error))
            logger.exception("the run failed")
        except Exception as error:  # the last line of defence: a run never ends without a reason
            ending = Ending("failed", explain_failure(error))
            logger.exception("the run failed")
        stop.defer()
        writer.end_attempt(ending.outcome, ending.message)
        logger.info("%s %s", ending.outcome, ending.message)
    return ending


def _work(assignment: Assignment, writer: RunWriter, stop: StopRequest) -> Ending:
    """Load and train. torch is imported here, so that the loading phase is seen from the start."""
    from rft_core.training.run_session import RunSession, train

    run, runs_dir = assignment.run, assignment.runs_dir
    with open_run(runs_dir, run.id) as db:
        elapsed, tokens = training_seconds(db), tokens_trained(db)
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
    )
    return Ending(*train(session, writer, stop))


def read_assignment(runs_dir: Path, run_id: str) -> Assignment:
    """Only under the run's lock: another worker might be writing a checkpoint."""
    with open_index(runs_dir) as index:
        run = get_run(index, run_id)
        if run.config.prompt_set is None or run.config.reward_set is None:
            raise BadInputError(
                f"The run '{run_id}' has not pinned its prompts and rewards",
                "",
                "Start runs with: python -m rft_core launch",
            )
        prompts = PromptSet.from_json(get_prompt_set(index, run.config.prompt_set).content)
        rewards = RewardSet.from_json(get_reward_set(index, run.config.reward_set).content)
        start = get_last_start(list_commands(index, run=run_id))
    checkpoints = get_checkpoints_dir(runs_dir, run_id)
    resume = find_resumable(checkpoints)
    remove_leftovers(checkpoints, after_step=resume.step)
    return Assignment(runs_dir, run, prompts, rewards, resume, start.id if start else None)


def _find_initial_adapter(assignment: Assignment) -> Path | None:
    """A fork starts from its parent's policy; without a step, from the finished one."""
    run, runs_dir = assignment.run, assignment.runs_dir
    if run.parent_run is None or assignment.resume.path is not None:
        return None
    if run.parent_step is None:
        return get_adapter_dir(runs_dir, run.parent_run)
    return get_checkpoint_dir(runs_dir, run.parent_run, run.parent_step)


@contextmanager
def _heartbeat(path: Path) -> Iterator[None]:
    """Touch `path` every second: the process is alive and gets the processor.

    Whether its work gets on is another question, which the progress row answers.
    """
    ended = threading.Event()

    def beat() -> None:
        path.touch()
        while not ended.wait(HEARTBEAT_SECONDS):
            path.touch()

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def explain_failure(error: Exception) -> str:
    """One line for people. Running out of memory is the failure that deserves better words."""
    first_line = (str(error).strip() or "no further words").splitlines()[0][:300]
    memory_words = ("out of memory", "not enough memory", "can't allocate memory")
    if isinstance(error, MemoryError) or any(word in str(error).lower() for word in memory_words):
        return (
            f"Out of memory ({first_line}). Use a smaller per_device_train_batch_size with more "
            "gradient_accumulation_steps, a shorter max_completion_length, or "
            "gradient_checkpointing=true."
        )
    return f"{type(error).__name__}: {first_line}"


def _prepare_process() -> None:
    """What must be set before torch and the hub's client are imported."""
    # Other runs and the dashboard want cores too. A thread that waits must sleep: spinning, two
    # threads on two busy cores are ten times slower than one. Both can be set from outside.
    threads = max(1, min((os.cpu_count() or 1) // 2, MAX_THREADS))
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
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
    parser = argparse.ArgumentParser(description="Train one run, from start or where it stopped.")
    parser.add_argument("run_id")
    return run_in_foreground(parser.parse_args().run_id)


if __name__ == "__main__":
    sys.exit(main())
