"""One step of GRPO with LoRA beside stock `trl.GRPOTrainer`'s, in turn, and where each second goes.

    python benchmarks/step.py [--model embedded/countdown] [--task countdown] [--pairs 7]
                              [--forced] [--stock-dtype float32] [--set KEY=VALUE ...]

Both are given the same model, the same LoraConfig, the same GRPOConfig and the same graders. TRL
calls these as plain functions and keeps nothing; ours scores, explains and stores everything, as in
a run. Each lives in a process of its own and makes a step only when told to: A B, then B A, after a
warm-up. The policy stands still (its learning rate is next to nothing): all steps are alike.

Phases do not overlap: `forward` is the policy's pass and the loss; `reference` all passes before it
(the reference's, and that of the policy that sampled, where there is one); `other` the rest.
A second table has the phases as our run itself has stored them, each beside the least time that its
arithmetic needs on this machine (`roofline.py`), whose speed is measured after every pair.
`--forced`: no completion ends before `max_completion_length`. `--stock-dtype`: the precision of
TRL's model; ours has that of `--set dtype=`. What is printed is also written to
benchmarks/results.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from transformers import PrinterCallback, TrainerCallback  # noqa: E402
from trl.trainer.grpo_config import GRPOConfig  # noqa: E402
from trl.trainer.grpo_trainer import GRPOTrainer  # noqa: E402

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    publish,
)
from benchmarks.roofline import (  # noqa: E402
    MachineSpeed,
    Shape,
    list_limits,
    measure_machine,
    measure_shape,
    tabulate_limits,
)
from benchmarks.run_account import WAITING, RunAccount, read_account  # noqa: E402
from rft_core.config import RunConfig, make_config, parse_assignments  # noqa: E402
from rft_core.jobs.pinning import make_task_prompt_set  # noqa: E402
from rft_core.rewards.contract import RewardSet  # noqa: E402
from rft_core.rewards.registry import GRADERS  # noqa: E402
from rft_core.rewards.scorer import Scorer  # noqa: E402
from rft_core.sampling.chat_template import render_prompt  # noqa: E402
from rft_core.sampling.end_tokens import get_end_tokens  # noqa: E402
from rft_core.sampling.loading.models import load_base  # noqa: E402
from rft_core.store.run_writer import RunWriter  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402
from rft_core.training.grpo import make_trainer  # noqa: E402
from rft_core.training.phase_clock import PhaseClock  # noqa: E402
from rft_core.training.prompts import make_training_prompts  # noqa: E402
from rft_core.training.recorded import StageParts  # noqa: E402
from rft_core.training.recorder import Recorder  # noqa: E402
from rft_core.training.rollouts import sampling_arguments  # noqa: E402
from rft_core.training.saving.adapter_files import make_lora_config  # noqa: E402
from rft_core.training.stop import StopRequest  # noqa: E402

TRL, OURS = "TRL", "ours"
PHASES = (
    "sample", "score", "reference", "forward", "backward", "optimizer", "record", "other",
)  # fmt: skip
SETTINGS = {"max_steps": 100_000, "eval_steps": 0, "save_steps": 0, "learning_rate": 1e-9}


@dataclass(frozen=True)
class Step:
    """Seconds of one step by phase, and the mean length of its completions in tokens."""

    wall: dict[str, float]
    cpu: dict[str, float]
    mean_length: float


class SeamClock:
    """Times both trainers at the seams that they share, by the wall and by the processor."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self.wall, self.cpu = PhaseClock(), PhaseClock(read_time=time.process_time)
        self.under_way: list[str] = []

    def begin(self, phase: str) -> None:
        self.under_way.append(phase)
        self.wall.begin(phase)
        self.cpu.begin(phase)

    def end(self) -> None:
        self.under_way.pop()
        self.wall.end()
        self.cpu.end()

    def time(self, owner: Any, method: str, phase: Callable[[], str]) -> None:
        """Let calls of that method count as that phase."""
        call = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            self.begin(phase())
            try:
                return call(*args, **kwargs)
            finally:
                self.end()

        setattr(owner, method, timed)

    def watch(self, trainer: Any) -> None:
        """The seams that both trainers have."""
        self.time(trainer, "_generate_single_turn", lambda: "sample")
        self.time(trainer, "_calculate_rewards", lambda: "score")
        self.time(trainer, "_compute_loss", lambda: "forward")
        self.time(trainer.accelerator, "backward", lambda: "backward")
        self.time(
            trainer, "_get_per_token_logps_and_entropies",
            lambda: "forward" if "forward" in self.under_way else "reference",
        )  # fmt: skip


class InTurn(TrainerCallback):
    """Makes a step whenever it is told to through the pipe, and sends back what it took.

    What it waits is a phase of its own for the `run_clock`, which our run goes by.
    """

    def __init__(self, clock: SeamClock, run_clock: PhaseClock, pipe: Any) -> None:
        self._clock, self._run_clock, self._pipe = clock, run_clock, pipe

    def on_train_begin(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        self._pipe.send(measure_shape(event["model"]))
        self._await(control)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._clock.begin("optimizer")

    def on_optimizer_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._clock.end()

    def on_log(self, args: Any, state: Any, control: Any, **event: Any) -> None:
        logs = event["logs"]
        if "loss" not in logs:
            return
        length = float(logs["completions/mean_length"])
        self._pipe.send(Step(self._clock.wall.read(), self._clock.cpu.read(), length))
        self._await(control)

    def _await(self, control: Any) -> None:
        with self._run_clock.during(WAITING):
            if self._pipe.recv() == "stop":
                control.should_training_stop = True
        self._clock.start()


def make_plain_rewards(rewards: RewardSet, rows: Sequence[Any]) -> list[Any]:
    """The graders as TRL wants functions: a list of scores, and nothing kept."""

    def make(entry: Any) -> Any:
        grade = GRADERS[entry.grader].function
        if grade is None:
            raise SystemExit(f"{entry.grader} is no grader of single completions")

        def score(completions: Any, position: Any, **_: Any) -> list[float | None]:
            texts = [text if isinstance(text, str) else text[0]["content"] for text in completions]
            return [
                grade(text, rows[at], **entry.options).score
                for text, at in zip(texts, position, strict=True)
            ]

        score.__name__ = entry.name
        return score

    return [make(entry) for entry in rewards.entries]


def make_stock_trainer(parts: StageParts, prompt_set: Any, forced: bool) -> GRPOTrainer:
    rows, rewards = prompt_set.train_rows, get_task(parts.config.task).reward_set
    messages = prompt_set.prompts(rows)
    is_chat = bool(parts.tokenizer.chat_template)
    prompts = [m if is_chat else render_prompt(parts.tokenizer, m)[0] for m in messages]
    longest = parts.config.max_completion_length
    arguments: dict[str, Any] = {
        **sampling_arguments(parts),
        "reward_weights": [entry.weight for entry in rewards.entries],
        "generation_kwargs": {"min_new_tokens": longest} if forced else None,
    }
    trainer = GRPOTrainer(
        model=parts.model,
        reward_funcs=make_plain_rewards(rewards, rows),
        args=GRPOConfig(**arguments),
        train_dataset=Dataset.from_dict({"prompt": prompts, "position": list(range(len(prompts)))}),
        processing_class=parts.tokenizer,
        peft_config=make_lora_config(parts.config),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def live(arm: str, config: RunConfig, forced: bool, pipe: Any) -> None:
    """The life of one arm's process."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    prompt_set, clock = make_task_prompt_set(config), SeamClock()
    model, tokenizer = load_base(config.model, config.dtype)
    prompts = make_training_prompts(prompt_set, tokenizer)
    (plan,) = config.plan_stages()
    with tempfile.TemporaryDirectory() as runs, Scorer(get_task(config.task).reward_set) as scorer:
        writer = RunWriter(Path(runs), "benchmark")
        writer.start_attempt(from_step=0, pid=os.getpid())
        ends = frozenset() if forced else get_end_tokens(model, tokenizer)
        recorder = Recorder(writer, scorer, config, prompts, tokenizer, end_tokens=ends)
        folder = Path(runs) / "benchmark" / "checkpoints"
        parts = StageParts(plan, model, tokenizer, prompts, recorder, StopRequest(), folder)
        trainer: Any
        if arm == TRL:
            trainer = make_stock_trainer(parts, prompt_set, forced)
        else:
            trainer = make_trainer(parts)
            for method in ("record_train_step", "set_phase"):
                clock.time(recorder, method, lambda: "record")
        clock.watch(trainer)
        trainer.add_callback(InTurn(clock, recorder.clock, pipe))
        trainer.train()
        writer.close()
        if arm == OURS:
            lengths = [len(prompt.token_ids) for prompt in prompts.train]
            taught = config.beta > 0
            pipe.send(read_account(Path(runs), "benchmark", lengths, all_taught=taught))


def measure(
    configs: dict[str, RunConfig], pairs: int, forced: bool
) -> tuple[dict[str, list[Step]], Iterator[str]]:
    """`pairs` steps of each arm, after one that is not counted; and how near ours is to its limit.

    Steps are made of what was sampled in them: `num_iterations` is 1.
    """
    processes, pipes = [], {}
    context = multiprocessing.get_context("spawn")
    for arm in (TRL, OURS):
        pipes[arm], theirs = context.Pipe()
        work = (arm, configs[arm], forced, theirs)
        process = context.Process(target=live, args=work, daemon=True)
        process.start()
        theirs.close()  # so that the end of the process is seen here
        shape: Shape = pipes[arm].recv()
        processes.append(process)
    speeds: list[MachineSpeed] = []
    steps: dict[str, list[Step]] = {TRL: [], OURS: []}
    for pair in range(pairs + 1):
        for arm in (TRL, OURS) if pair % 2 == 0 else (OURS, TRL):
            pipes[arm].send("go")
            step = pipes[arm].recv()
            if pair > 0:
                steps[arm].append(step)
                print(f"{arm} {sum(step.wall.values()):.3f} s", file=sys.stderr, flush=True)
        speeds.append(measure_machine(shape))
    for pipe in pipes.values():
        pipe.send("stop")
    account: RunAccount = pipes[OURS].recv()
    for process in processes:
        process.join()
    machine = MachineSpeed(
        statistics.median(speed.compute for speed in speeds),
        statistics.median(speed.memory for speed in speeds),
    )
    limits = list_limits(shape, account.steps, machine)
    return steps, tabulate_limits(account.times, limits, machine)


def tabulate(steps: dict[str, list[Step]]) -> Iterator[str]:
    """A line a phase, and the whole: seconds, CPU seconds, and the ratio pair by pair."""
    yield f"| phase | {TRL}, s | {OURS}, s | ratio | {TRL}, CPU s | {OURS}, CPU s | ratio |"
    yield "|---|---|---|---|---|---|---|"
    for phases in (*((phase,) for phase in PHASES), PHASES):
        cells = []
        for clock in ("wall", "cpu"):
            theirs, ours = (
                [sum(getattr(step, clock).get(phase, 0.0) for phase in phases) for step in taken]
                for taken in (steps[TRL], steps[OURS])
            )
            ratio = describe_ratio(ours, theirs) if all(theirs) else "-"
            cells += [describe(theirs, ".3f"), describe(ours, ".3f"), ratio]
        name = phases[0] if len(phases) == 1 else "**step**"
        yield f"| {name} | {' | '.join(cells)} |"
    lengths = [describe([step.mean_length for step in steps[arm]], ".1f") for arm in (TRL, OURS)]
    yield f"\nA completion's mean length: {lengths[0]} tokens ({TRL}), {lengths[1]} ({OURS})."


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded/countdown", help="or a folder")
    parser.add_argument("--task", default="countdown", help="whose prompts and rewards")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--forced", action="store_true", help="all completions of full length")
    parser.add_argument("--stock-dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = {**SETTINGS, "model": options.model, "task": options.task}
    settings |= parse_assignments(options.set)
    config = make_config(settings)
    if config.num_iterations > 1:
        raise SystemExit("A step must learn from what was sampled in it: num_iterations=1")
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    configs = {TRL: make_config({**settings, "dtype": options.stock_dtype}), OURS: config}
    steps, limits = measure(configs, options.pairs, options.forced)
    name = Path(options.model).name
    work = (
        f"{config.generation_batch_size} completions of at most {config.max_completion_length} "
        f"tokens in groups of {config.num_generations}, beta {config.beta}, {config.dtype} "
        f"({TRL}: {options.stock_dtype})"
    )
    head = (
        f"# A step of GRPO with LoRA, ours beside `trl.GRPOTrainer`: {name}\n\n"
        f"{describe_setting()}\n\n`{describe_command(sys.argv)}`: {work}. "
        f"Medians (min-max) of {options.pairs} pairs; ratios pair by pair. Ours records all.\n"
    )
    own = "\n## The phases that our run has stored, beside their limits\n"
    text = "\n".join([head, *tabulate(steps), own, *limits])
    suffix = "" if config.dtype == "float32" else f"-{config.dtype}"
    publish(f"step-{name}{suffix}", text)


if __name__ == "__main__":
    main()
