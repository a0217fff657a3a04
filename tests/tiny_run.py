"""Runs small enough to train for real in a test: a random tiny model, few prompts, short texts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil

from rft_core.config import RunConfig
from rft_core.data.pair_set import Pair, PairSet, make_pair_set
from rft_core.data.prompt_set import PromptSet, make_prompt_set
from rft_core.data.split import Split as PromptSplit
from rft_core.data.template import PromptTemplate
from rft_core.paths import PROJECT_ROOT, get_run_dir, get_worker_log_path
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.index import open_index
from rft_core.store.run_reader import get_progress, has_database, open_run
from rft_core.store.run_writer import RunWriter, Split, StepRecord
from rft_core.store.runs import add_run
from rft_core.store.sets import ensure_set
from rft_core.training.ending import AttemptEnding
from rft_core.training.stop import StopRequest
from rft_core.worker import Assignment, live, read_assignment

DEADLINE_SECONDS = 120.0

TINY_REWARDS = RewardSet(
    (
        RewardEntry("short", "length", 1.0, {"target": 4}),
        RewardEntry("letter", "regex", 0.5, {"pattern": "[a-zA-Z]"}),
        RewardEntry("watched", "length", 0.0, {"unit": "tokens", "target": 3}),
    ),
    "tiny",
)

# The built-in defaults made small; 5 prompts and 2 per step, so that epochs end within a step.
TINY_SETTINGS: dict[str, Any] = {
    "num_generations": 4,
    "per_device_train_batch_size": 8,
    "per_device_eval_batch_size": 4,
    "max_completion_length": 6,
    "learning_rate": 0.02,
    "beta": 0.05,
    "max_steps": 4,
    "eval_steps": 2,
    "save_steps": 2,
    "lora_r": 4,
    "lora_alpha": 8,
    "task": "custom",
    "preflight": False,  # `test_preflight_of_a_run.py` has runs with it
}


def make_tiny_prompts(num_train: int = 5, num_validation: int = 3) -> PromptSet:
    rows = [{"question": f"q{index}"} for index in range(num_train + num_validation)]
    split = PromptSplit(
        tuple(range(num_train)), tuple(range(num_train, num_train + num_validation)), seed=0
    )
    template = PromptTemplate(system="", user="{{ question }}")
    return make_prompt_set(rows, name="tiny", template=template, split=split)


def make_tiny_pairs(count: int = 8, **more: Any) -> PairSet:
    """Short answers preferred to long ones, of distinct prompts, a quarter of them held out."""
    pairs = [
        Pair([{"role": "user", "content": f"p{n}"}], f"a{n}", f"b{n} and so on", margin=n / 10)
        for n in range(count)
    ]
    return make_pair_set("tiny", pairs, validation_share=0.25, **more)


def add_tiny_run(
    runs_dir: Path,
    model: Path,
    run_id: str = "tiny",
    *,
    rewards: RewardSet | None = TINY_REWARDS,
    prompts: PromptSet | None = None,
    pairs: PairSet | None = None,
    parent: tuple[str, int] | None = None,
    **settings: Any,
) -> RunConfig:
    """Pin tiny prompts and rewards and insert the run, as the launcher does."""
    prompts = prompts or make_tiny_prompts()
    config = RunConfig(
        model=str(model),
        prompt_set=prompts.id,
        reward_set=rewards.id if rewards else None,
        pair_set=pairs.id if pairs else None,
        **_settle(settings),
    )
    with open_index(runs_dir) as index:
        ensure_set(
            index,
            "prompts",
            id=prompts.id,
            name="tiny",
            task=None,
            num_rows=len(prompts.rows),
            content=prompts.to_json(),
        )
        if rewards:
            ensure_set(index, "rewards", id=rewards.id, name="tiny", content=rewards.to_json())
        if pairs:
            ensure_set(index, "pairs", id=pairs.id, name="tiny", content=pairs.to_json())
        parent_run, parent_step = parent or (None, None)
        add_run(index, id=run_id, config=config, parent_run=parent_run, parent_step=parent_step)
    return config


def _settle(settings: dict[str, Any]) -> dict[str, Any]:
    values = {**TINY_SETTINGS, **settings}
    if values.get("stages") and "max_steps" not in settings:
        del values["max_steps"]  # the stages say how many
    return values


def start_worker(
    runs_dir: Path, run_id: str = "tiny", *, under: str = ":"
) -> subprocess.Popen[bytes]:
    """The real worker in a process of its own, as the supervisor starts it.

    `under`: what a shell does before it becomes the worker.
    """
    get_run_dir(runs_dir, run_id).mkdir(parents=True, exist_ok=True)
    with get_worker_log_path(runs_dir, run_id).open("ab") as log:
        return subprocess.Popen(
            ["bash", "-c", f'{under}; exec "$@"', "bash",
             sys.executable, "-m", "rft_core.worker", run_id],
            cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "RFT_RUNS_DIR": str(runs_dir), "OMP_NUM_THREADS": "1"},
            start_new_session=True,
        )  # fmt: skip


def kill_workers() -> None:
    """Whatever a test has left of the workers that it started itself."""
    for process in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            if "rft_core.worker" in process.cmdline():
                process.kill()
                process.wait()


def read_step(runs_dir: Path, run_id: str = "tiny") -> int:
    """The last step that the worker has recorded."""
    if not has_database(runs_dir, run_id):
        return 0
    with open_run(runs_dir, run_id) as db:
        progress = get_progress(db)
        return progress.step if progress else 0


def await_truth(evidence: Callable[[], object], what: str) -> None:
    """Poll until the evidence is there; fail loudly at the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not evidence():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


class StoppingWriter(RunWriter):
    """A writer under which a stop is asked for while step `during` is under way.

    `last`: what the step before it records last, as a stop would end a validation at once.
    """

    def __init__(
        self, runs_dir: Path, run_id: str, stop: StopRequest, during: int, last: Split = "train"
    ) -> None:
        super().__init__(runs_dir, run_id)
        self._stop, self._when = stop, (last, during - 1)

    def record_step(self, record: StepRecord, *, max_steps: int) -> None:
        super().record_step(record, max_steps=max_steps)
        if (record.split, record.step) == self._when and record.step > 0:
            self._stop.set()


def live_in_process(runs_dir: Path, run_id: str = "tiny", *, stop_during: int = 0) -> AttemptEnding:
    """One attempt of the worker in this process, without lock and signals."""
    stop, assignment = StopRequest(), read_assignment(runs_dir, run_id)
    last: Split = "validation" if _validates_after(assignment, stop_during - 1) else "train"
    writer = (
        StoppingWriter(runs_dir, run_id, stop, stop_during, last)
        if stop_during
        else RunWriter(runs_dir, run_id)
    )
    with closing(writer):
        return live(assignment, writer, stop)


def _validates_after(assignment: Assignment, step: int) -> bool:
    every = assignment.run.config.eval_steps
    is_due = step > 0 and every > 0 and step % every == 0
    return is_due and assignment.rewards is not None and bool(assignment.prompts.validation_rows)


def read_counts(runs_dir: Path, run_id: str = "tiny") -> dict[tuple[str, int], int]:
    """(split, step) -> generations stored. Fails unless the database is whole."""
    with open_run(runs_dir, run_id) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        sql = "SELECT split, step, count(*) FROM generations GROUP BY split, step"
        return {(split, step): count for split, step, count in db.execute(sql)}


def expected_counts(config: RunConfig, num_validation: int = 3) -> dict[tuple[str, int], int]:
    """What `read_counts` must give for a finished run."""
    steps = range(1, config.max_steps + 1)
    validated = [0, *(s for s in steps if s % config.eval_steps == 0 or s == config.max_steps)]
    return {("train", step): config.generation_batch_size for step in steps} | {
        ("validation", step): num_validation * config.num_generations_eval for step in validated
    }
