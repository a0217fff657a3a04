"""A run written straight into the store, quickly and from a seed: what the watching pages read."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from pathlib import Path

from rft_core.config import make_config
from rft_core.paths import get_heartbeat_path, get_worker_lock_path, get_worker_log_path
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.commands import add_command, set_command_handled
from rft_core.store.index import open_index
from rft_core.store.run_writer import (
    GenerationRecord,
    PromptRecord,
    RunWriter,
    Split,
    StepRecord,
)
from rft_core.store.runs import add_run
from rft_core.store.sets import ensure_set
from rft_core.store.state.run_lock import FileLock

REWARDS = RewardSet(
    (
        RewardEntry("format", "format"),
        RewardEntry("equation", "equation"),
        RewardEntry(
            "brevity", "python", 0.0, {}, "def brevity(completions, **_):\n    return []\n"
        ),
    ),
    "countdown",
)
NO_PROCESS = 2**22 + 1  # above the largest pid: nobody gets signals that are meant for a worker
PHASES = {"sample": 0.7, "score": 0.1, "reference_logprobs": 0.2, "update": 1.0}  # seconds a step
GROUPS, GROUP_SIZE, VALIDATION_PROMPTS = 2, 4, 6
# What a model must never be able to do to the reader's browser.
HOSTILE = (
    "<think>**bold** $x^2$ :red[hey] <script>window.hacked=1</script></think>"
    '<answer><img src=x onerror="window.hacked=1"> [a](javascript:alert(1))</answer>'
)


@dataclass
class SampleRun:
    """Writes a run a step at a time, as its worker would; `hold` makes it look alive."""

    runs_dir: Path
    id: str
    writer: RunWriter
    rng: random.Random
    max_steps: int
    lock: FileLock
    step: int = 0

    def hold(self) -> None:
        self.lock.acquire()
        get_heartbeat_path(self.runs_dir, self.id).touch()

    def train(self, steps: int) -> None:
        for _ in range(steps):
            self.step += 1
            self._record("train")
            if self.step % 10 == 0:
                self._record("validation")
                self.writer.add_checkpoint(step=self.step, resumable=True)
        with get_worker_log_path(self.runs_dir, self.id).open("a") as log:
            log.write(f"step {self.step} of {self.max_steps}\n")

    def end(self, outcome: str | None = "finished", message: str = "") -> None:
        """`None`: die without a word."""
        if outcome:
            self.writer.end_attempt(outcome, message)  # type: ignore[arg-type]
        self.writer.close()
        self.lock.release()

    def _record(self, split: Split) -> None:
        size = GROUP_SIZE if split == "train" else 1
        groups = GROUPS if split == "train" else VALIDATION_PROMPTS
        made = [
            self._generation(group, sample) for group in range(groups) for sample in range(size)
        ]
        rewards = [g.reward for g in made]
        if size > 1:
            advantages = compute_advantages(rewards, size)
            made = [replace(g, advantage=a) for g, a in zip(made, advantages, strict=True)]
        metrics = {
            "reward": sum(r or 0.0 for r in rewards) / len(made),
            **{f"rewards/{n}/mean": mean([g.scores[n] for g in made]) for n in REWARDS.names},
            "completions/clipped_ratio": mean([float(g.truncated) for g in made]),
        }
        if split == "train":
            metrics |= {"kl": 0.001 * self.step, "frac_reward_zero_std": 0.0, "loss": 0.0}
        record = StepRecord(
            self.step, split, metrics, made, [ask(i) for i in range(groups)],
            elapsed=2.0 * self.step, tokens=self.step,
            phases={phase: seconds * self.step for phase, seconds in PHASES.items()},
        )  # fmt: skip
        self.writer.record_step(record, max_steps=self.max_steps)

    def _generation(self, group: int, sample: int) -> GenerationRecord:
        right = self.rng.random() < 0.2 + 0.6 * self.step / self.max_steps
        text = f"<think>try {self.step}.{group}.{sample}</think>\n<answer>{sample} + 1</answer>"
        hostile = group == 0 and sample == 0
        truncated = group == 1 and sample == GROUP_SIZE - 1
        return GenerationRecord(
            group, sample, group, HOSTILE if hostile else text, len(text), truncated,
            1.0 + right, None,
            {"format": 1.0, "equation": float(right), "brevity": None if truncated else 0.5},
            {"equation": "hits the target" if right else "misses *the* target"},
            ("markup",) if hostile else (),
        )  # fmt: skip


def ask(position: int) -> PromptRecord:
    return PromptRecord(
        position,
        {"nums": [position, 2, 3], "target": 6},
        [{"role": "user", "content": f"Reach 6 with {position}, 2, 3 <b>now</b>"}],
        f"<|user|>Reach 6 with {position}, 2, 3<|assistant|>",
    )


def mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known)


def begin_run(
    runs_dir: Path,
    run_id: str = "countdown-1",
    *,
    name: str = "Sample",
    max_steps: int = 30,
    rewards: RewardSet = REWARDS,
    **settings: object,
) -> SampleRun:
    """A run whose worker has just started: nothing is sampled yet."""
    queue_run(runs_dir, run_id, name=name, max_steps=max_steps, rewards=rewards, **settings)
    with open_index(runs_dir) as index:
        set_command_handled(index, f"launch-{run_id}", worker_pid=NO_PROCESS)
    writer = RunWriter(runs_dir, run_id)
    writer.start_attempt(from_step=0, pid=NO_PROCESS, command=f"launch-{run_id}")
    writer.add_event("start", "Training starts")
    lock = FileLock(get_worker_lock_path(runs_dir, run_id))
    return SampleRun(runs_dir, run_id, writer, random.Random(run_id), max_steps, lock)


def queue_run(
    runs_dir: Path, run_id: str, *, name: str = "Sample", max_steps: int = 30, stages: str = "",
    rewards: RewardSet = REWARDS, **settings: object,
) -> None:  # fmt: skip
    """A run that was asked for and has no worker yet; with `stages`, they say how many steps."""
    steps: dict[str, object] = {"stages": stages} if stages else {"max_steps": max_steps}
    config = make_config({"name": name, "reward_set": rewards.id, **steps, **settings})
    with open_index(runs_dir) as index:
        ensure_set(index, "rewards", id=rewards.id, name=rewards.name, content=rewards.to_json())
        add_run(index, id=run_id, config=config)
        add_command(index, id=f"launch-{run_id}", kind="launch", run=run_id)


def write_finished_run(runs_dir: Path, run_id: str = "countdown-1", steps: int = 30) -> SampleRun:
    run = begin_run(runs_dir, run_id, max_steps=steps)
    run.train(steps)
    run.end()
    return run
