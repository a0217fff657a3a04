"""Big stores to measure reading on: a run of a million generations, 100,000 steps, 400 runs.

    python benchmarks/big_store.py FOLDER [--steps 15625] [--curve-steps 100000] [--runs 400]

Written with SQLite's `executemany` into the project's own schema, so that a million generations
take minutes and not hours. Texts look like a Countdown model's: attempts with true sums, a verdict
after each, and an answer in tags. Every draw is seeded. `FOLDER` becomes a runs folder that the
dashboard and the command line can read; delete it afterwards, it is about 1 GB.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.config import make_config  # noqa: E402
from rft_core.paths import get_run_db_path  # noqa: E402
from rft_core.store.commands import set_command_handled, set_worker_ended  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.run_writer import RunWriter, StepRecord  # noqa: E402
from rft_core.store.runs import add_run  # noqa: E402
from rft_core.store.schema.run import RUN_SCHEMA  # noqa: E402
from rft_core.store.sqlite.database import open_for_writing, transaction  # noqa: E402
from rft_core.store.sqlite.without_pandas import Database  # noqa: E402

MANY_GENERATIONS, MANY_STEPS = "many-generations", "many-steps"
GROUPS, GROUP = 8, 8
PROMPTS = 1_000
VALIDATE_EVERY, VALIDATION_PROMPTS = 250, 64
STEPS_A_TRANSACTION = 250
FUNCTIONS = ("format", "equation", "judge")
FLAGS = ("repetition", "answer_hidden", "prompt_copied")
METRICS = (
    "loss", "reward", "reward_std", "kl", "entropy", "grad_norm", "learning_rate", "step_time",
    "completions/mean_length", "completions/clipped_ratio", "flagged", "frac_reward_zero_std",
    *(f"rewards/{name}/{what}" for name in FUNCTIONS for what in ("mean", "std", "unscored")),
)  # fmt: skip
REASONS = (
    "One thought, then one answer, in the right tags.", "It uses every number once.",
    "The answer is not an equation.", "A number is missing.",
)  # fmt: skip
_GENERATION = (
    "INSERT INTO generations (id, step, split, group_index, sample_index, prompt_id, completion, "
    "num_tokens, truncated, reward, advantage, flags) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Writing:
    """Rows of generations as a run would have stored them, from one seed."""

    def __init__(self, seed: int = 0) -> None:
        self._rng = random.Random(seed)
        self._attempts = [self._write_attempt() for _ in range(40_000)]
        self._next_id = 1

    def _write_attempt(self) -> str:
        rng = self._rng
        a, b, c = (rng.randint(1, 99) for _ in range(3))
        operator = rng.choice("+-*")
        value = {"+": a + b, "-": a - b, "*": a * b}[operator]
        return (
            f"{a} {operator} {b} = {value}, {value} - {c} = {value - c} {rng.choice(('no', 'yes'))}"
        )

    def write_completion(self) -> str:
        thought = "\n".join(self._rng.choices(self._attempts, k=9))
        end = self._rng.choice(self._attempts).partition(",")[0]
        return f"<think>{thought}</think>\n<answer>{end}</answer>"

    def make_rows(
        self, step: int, split: str, groups: int, size: int
    ) -> tuple[list[Any], list[Any]]:
        """Of one step: rows of `generations`, and of `scores`."""
        rng, generations, scores = self._rng, [], []
        for place in range(groups * size):
            id, self._next_id = self._next_id, self._next_id + 1
            group, sample = divmod(place, size)
            prompt = (step * groups + group) % PROMPTS + 1 + PROMPTS * (split == "validation")
            judged = None if rng.random() < 0.005 else round(rng.random(), 2)
            given = (float(rng.random() < 0.9), float(rng.random() < 0.4), judged)
            flags = f'["{rng.choice(FLAGS)}"]' if rng.random() < 0.01 else "[]"
            generations.append(
                (
                    id, step, split, group, sample, prompt, self.write_completion(),
                    rng.randint(60, 130), int(rng.random() < 0.03), sum(filter(None, given)),
                    rng.gauss(0, 1) if split == "train" else None, flags,
                )
            )  # fmt: skip
            scores += [
                (id, name, score, rng.choice(REASONS))
                for name, score in zip(FUNCTIONS, given, strict=True)
            ]
        return generations, scores


def write_generations(runs_dir: Path, run_id: str, steps: int) -> None:
    """Steps of 64 generations with their scores and metrics, and validations between them."""
    db = _begin(runs_dir, run_id)
    writing = Writing()
    for first in range(1, steps + 1, STEPS_A_TRANSACTION):
        portion = range(first, min(first + STEPS_A_TRANSACTION, steps + 1))
        with transaction(db) as connection:
            for step in portion:
                kinds = [("train", GROUPS, GROUP)]
                if step % VALIDATE_EVERY == 0:
                    kinds.append(("validation", VALIDATION_PROMPTS, 1))
                for split, groups, size in kinds:
                    generations, scores = writing.make_rows(step, split, groups, size)
                    connection.executemany(_GENERATION, generations)
                    connection.executemany("INSERT INTO scores VALUES (?, ?, ?, ?)", scores)
            _write_steps(connection, portion)
    _end(db, steps)


def write_curves(runs_dir: Path, run_id: str, steps: int) -> None:
    """Steps of metrics alone."""
    db = _begin(runs_dir, run_id)
    for first in range(1, steps + 1, 5_000):
        with transaction(db) as connection:
            _write_steps(connection, range(first, min(first + 5_000, steps + 1)))
    _end(db, steps)


def write_runs(runs_dir: Path, count: int) -> None:
    """Ended runs of five steps each, as an Overview of a long project holds them."""
    config = make_config({"name": "one of many"})
    for number in range(count):
        run_id = f"many-{number:04}"
        with open_index(runs_dir) as index:
            add_run(index, id=run_id, config=config, launch_id=f"launch-{run_id}")
            set_command_handled(index, f"launch-{run_id}", worker_pid=1, handle="1 1")
            set_worker_ended(index, f"launch-{run_id}")
        writer = RunWriter(runs_dir, run_id)
        writer.start_attempt(from_step=0, pid=1, command=f"launch-{run_id}")
        for step in range(1, 6):
            metrics = dict.fromkeys(METRICS, number / count)
            record = StepRecord(step, "train", metrics, elapsed=1.0 * step, tokens=64 * step)
            writer.record_step(record, max_steps=5)
        writer.end_attempt("finished")
        writer.close()


def add_to_index(runs_dir: Path, run_id: str, steps: int) -> None:
    with open_index(runs_dir) as index:
        add_run(index, id=run_id, config=make_config({"name": run_id, "max_steps": steps}))


def _begin(runs_dir: Path, run_id: str) -> Database:
    db = open_for_writing(get_run_db_path(runs_dir, run_id), RUN_SCHEMA)
    db.execute("PRAGMA synchronous = OFF")
    with transaction(db) as connection:
        connection.execute(
            "INSERT INTO attempts (from_step, pid, pid_started, started_at) VALUES (0, 1, 0, ?)",
            (time.time(),),
        )
        connection.executemany(
            "INSERT INTO prompts (split, position, row, messages, text) VALUES (?, ?, ?, ?, ?)",
            _list_prompts(),
        )
    return db


def _list_prompts() -> Iterator[Sequence[object]]:
    rng = random.Random(1)
    for split in ("train", "validation"):
        for position in range(PROMPTS):
            nums, target = [rng.randint(1, 99) for _ in range(3)], rng.randint(10, 99)
            text = f"Using the numbers {nums}, create an equation that equals {target}."
            messages = json.dumps([{"role": "user", "content": text}])
            yield split, position, json.dumps({"nums": nums, "target": target}), messages, text


def _write_steps(connection: Any, steps: Sequence[int]) -> None:
    rng = random.Random(steps[0])
    connection.executemany(
        "INSERT INTO steps VALUES (?, ?, ?, ?)",
        ((step, 1e9 + step, 1.5 * step, 6_000 * step) for step in steps),
    )
    connection.executemany(
        "INSERT INTO metrics (step, split, name, value) VALUES (?, ?, ?, ?)",
        (
            (step, split, name, rng.random())
            for step in steps
            for split in ("train", *["validation"] * (step % VALIDATE_EVERY == 0))
            for name in METRICS
        ),
    )
    connection.executemany(
        "INSERT INTO phases VALUES (?, ?, ?)",
        ((step, phase, share * step) for step in steps for phase, share in _PHASES),
    )


_PHASES = (("sample", 0.8), ("score", 0.1), ("update", 0.6))


def _end(db: Database, steps: int) -> None:
    with transaction(db) as connection:
        connection.execute(
            "INSERT INTO progress (id, phase, detail, step, max_steps, updated_at) "
            "VALUES (1, 'training', '', ?, ?, ?)",
            (steps, steps, time.time()),
        )
        connection.execute("UPDATE attempts SET ended_at = ?, outcome = 'finished'", (time.time(),))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=15_625, help="of 64 generations each")
    parser.add_argument("--curve-steps", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args()
    write_all(options.folder, options.steps, options.curve_steps, options.runs)


def write_all(
    folder: Path, steps: int = 15_625, curve_steps: int = 100_000, runs: int = 400
) -> None:
    folder.mkdir(parents=True)
    if steps:
        add_to_index(folder, MANY_GENERATIONS, steps)
        write_generations(folder, MANY_GENERATIONS, steps)
    if curve_steps:
        add_to_index(folder, MANY_STEPS, curve_steps)
        write_curves(folder, MANY_STEPS, curve_steps)
    write_runs(folder, runs)


if __name__ == "__main__":
    main()
