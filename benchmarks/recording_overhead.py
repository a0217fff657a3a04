"""What recording everything costs, as a share of a training step. The goal: at most 2%.

    python benchmarks/recording_overhead.py [STEPS] [--set key=value ...]

The demo's own run, with its model. Recording is switched off in every second step of the same
training, so that both kinds of step meet the same policy and the same machine. Two answers:

- step with / without: medians of whole steps. Honest, but as noisy as the machine;
- time in the recorder: what its calls took, over the steps they belong to. Much steadier.

Scoring is not recording: both kinds of step need the rewards.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

from transformers import TrainerCallback  # noqa: E402

from rft_core.config import RunConfig, make_config, parse_assignments  # noqa: E402
from rft_core.jobs.pinning import make_task_prompt_set  # noqa: E402
from rft_core.rewards.scorer import Scorer  # noqa: E402
from rft_core.sampling.end_tokens import get_end_tokens  # noqa: E402
from rft_core.sampling.loading.models import load_base  # noqa: E402
from rft_core.store.run_writer import RunWriter  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402
from rft_core.training.grpo import make_trainer  # noqa: E402
from rft_core.training.prompts import make_training_prompts  # noqa: E402
from rft_core.training.recorded import StageParts  # noqa: E402
from rft_core.training.recorder import Recorder  # noqa: E402
from rft_core.training.stop import StopRequest  # noqa: E402

WARM_UP_STEPS = 2


class SwitchedRecorder(Recorder):
    """Records every second step, and keeps the time that its calls took."""

    is_on = True
    seconds = 0.0

    def set_phase(self, phase: str, detail: str = "") -> None:
        self._timed(lambda: super(SwitchedRecorder, self).set_phase(phase, detail))

    def record_train_step(self, step: int, logs: Mapping[str, Any]) -> None:
        self._timed(lambda: super(SwitchedRecorder, self).record_train_step(step, logs))

    def _timed(self, call: Callable[[], None]) -> None:
        if self.is_on:
            started = time.perf_counter()
            call()
            self.seconds += time.perf_counter() - started


class Stopwatch(TrainerCallback):
    """From the start of a step to the end of its recording."""

    def __init__(self, recorder: SwitchedRecorder) -> None:
        self.recorder = recorder
        self.steps: list[tuple[bool, float, float]] = []  # recorded?, seconds, of them recording

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.recorder.is_on = state.global_step % 2 == 0
        self.recorder.seconds, self._started = 0.0, time.perf_counter()

    def on_log(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        seconds = time.perf_counter() - self._started
        self.steps.append((self.recorder.is_on, seconds, self.recorder.seconds))


def measure(config: RunConfig) -> list[tuple[bool, float, float]]:
    prompt_set, reward_set = make_task_prompt_set(config), get_task(config.task).reward_set
    model, tokenizer = load_base(config.model, config.dtype)
    prompts = make_training_prompts(prompt_set, tokenizer)
    with tempfile.TemporaryDirectory() as runs, Scorer(reward_set) as scorer:
        writer = RunWriter(Path(runs), "benchmark")
        writer.start_attempt(from_step=0, pid=os.getpid())
        recorder = SwitchedRecorder(
            writer, scorer, config, prompts, tokenizer, end_tokens=get_end_tokens(model, tokenizer)
        )
        (plan,) = config.plan_stages()
        folder = Path(runs) / "benchmark" / "checkpoints"
        trainer = make_trainer(
            StageParts(plan, model, tokenizer, prompts, recorder, StopRequest(), folder)
        )
        stopwatch = Stopwatch(recorder)
        trainer.add_callback(stopwatch)
        trainer.train()
        writer.close()
    return stopwatch.steps[WARM_UP_STEPS : config.max_steps]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("steps", nargs="?", type=int, default=40)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    settings = {"max_steps": options.steps + WARM_UP_STEPS, "eval_steps": 0}
    config = make_config({**settings, **parse_assignments(options.set)})
    steps = measure(config)
    on = [seconds for recorded, seconds, _ in steps if recorded]
    off = [seconds for recorded, seconds, _ in steps if not recorded]
    share = sum(inside for _, _, inside in steps) / sum(on)
    print(f"completions per step        {config.generation_batch_size:8d}")
    print(f"step, recording on          {statistics.median(on):8.3f} s  (median of {len(on)})")
    print(f"step, recording off         {statistics.median(off):8.3f} s  (median of {len(off)})")
    print(f"ratio on / off              {statistics.median(on) / statistics.median(off):8.3f}")
    print(f"time in the recorder        {1000 * share * statistics.mean(on):8.2f} ms a step")
    print(f"share of a step             {share:8.2%}")


if __name__ == "__main__":
    main()
