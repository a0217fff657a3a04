"""Does the first training step record what the dry run predicted? The goal: 9 of 10 times.

    python benchmarks/preflight_agreement.py [RUNS] [--prompts N]

Under each of a few settings, RUNS times: a dry run of the base model on N prompts, then one real
training step on other prompts with another seed. For every metric: in how many runs the recorded
value lay inside the predicted interval, how wide that was, and how far the expected value was off.
Trainings are in this process, the dry runs are sampled by the resident generation service.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import torch  # noqa: E402

from rft_core.config import RunConfig, make_config  # noqa: E402
from rft_core.diagnosis.preflight.forecast import Forecast  # noqa: E402
from rft_core.dry_run import dry_run  # noqa: E402
from rft_core.jobs.pinning import pin_sets  # noqa: E402
from rft_core.sampling.service.client import GenerationClient  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.run_reader import last_metrics, open_run  # noqa: E402
from rft_core.store.run_writer import RunWriter  # noqa: E402
from rft_core.store.runs import add_run  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402
from rft_core.training.stop import StopRequest  # noqa: E402
from rft_core.worker import live, read_assignment  # noqa: E402

ONE_STEP = {
    "max_steps": 1, "num_prompts": 200, "num_validation_prompts": 0, "eval_steps": 0,
    "save_steps": 0,
}  # fmt: skip
SETTINGS: dict[str, dict[str, Any]] = {
    "the defaults": {},
    "cut off at 44 tokens": {"max_completion_length": 44},
    "easy, groups of 4": {"task": "countdown-easy", "num_generations": 4},
}
TRAINING_SEED = 1000  # beyond every dry run's


@dataclass(frozen=True)
class Pair:
    """One metric of one run: predicted, and recorded."""

    metric: str
    expected: float
    half_width: float
    recorded: float
    is_inside: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("--prompts", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    everything: list[Pair] = []
    with tempfile.TemporaryDirectory() as folder:
        runs_dir = Path(folder)
        try:
            for name, settings in SETTINGS.items():
                print(f"\n{name}: {options.runs} runs, dry runs of {options.prompts} prompts")
                pairs = measure(runs_dir, settings, options.runs, options.prompts)
                print_table(pairs)
                everything += pairs
        finally:
            GenerationClient(runs_dir).stop()
    print("\nall together")
    print_table(everything)


def measure(runs_dir: Path, settings: dict[str, Any], runs: int, prompts: int) -> list[Pair]:
    pairs, times = [], []
    for seed in range(runs):
        config = make_config({**ONE_STEP, **settings, "seed": seed})
        forecast = predict(runs_dir, config, prompts)
        recorded = train(runs_dir, config.model_copy(update={"seed": TRAINING_SEED + seed}))
        pairs += [
            Pair(metric, p.expected, p.half_width, recorded[metric], p.covers(recorded[metric]))
            for metric, p in forecast.predictions.items()
            if metric in recorded
        ]
        times.append((forecast.time.total or 0.0, recorded["step_time"]))
    predicted, real = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"time per step: predicted {predicted:.2f} s, recorded {real:.2f} s (medians)")
    return pairs


def predict(runs_dir: Path, config: RunConfig, prompts: int) -> Forecast:
    task = get_task(config.task)
    rows, _ = task.load(prompts, 0, config.seed)
    messages = [task.prompt(row) for row in rows]
    forecast = dry_run(runs_dir, config, task.reward_set, rows, messages).preflight.forecast
    assert forecast
    return forecast


def train(runs_dir: Path, config: RunConfig) -> dict[str, float]:
    """What one real step records."""
    run = f"run-{time.monotonic_ns()}"
    with open_index(runs_dir) as index:
        add_run(index, id=run, config=pin_sets(index, config))
    with closing(RunWriter(runs_dir, run)) as writer:
        ending = live(read_assignment(runs_dir, run), writer, StopRequest())
    if ending.outcome != "finished":
        sys.exit(f"The training ended as {ending.outcome}: {ending.message}")
    with open_run(runs_dir, run) as db:
        return last_metrics(db)


def print_table(pairs: Sequence[Pair]) -> None:
    print(f"{'metric':<28}{'inside':>14}{'± mean':>9}{'expected':>10}{'recorded':>10}{'off':>8}")
    for metric in [*dict.fromkeys(pair.metric for pair in pairs), "all metrics"]:
        own = [pair for pair in pairs if metric in (pair.metric, "all metrics")]
        inside = sum(pair.is_inside for pair in own)
        line = f"{metric:<28}{inside:>4} of {len(own):<4}{inside / len(own):>4.0%}"
        if metric != "all metrics":
            off = statistics.fmean(abs(pair.recorded - pair.expected) for pair in own)
            means = [
                statistics.fmean(getattr(pair, part) for pair in own)
                for part in ("half_width", "expected", "recorded")
            ]
            line += f"{means[0]:>9.3f}{means[1]:>10.3f}{means[2]:>10.3f}{off:>8.3f}"
        print(line)


if __name__ == "__main__":
    main()
