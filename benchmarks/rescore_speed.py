"""How fast a run's stored generations are scored again, against a fresh Python process for each.

    python benchmarks/rescore_speed.py [GENERATIONS]

A run of Countdown completions is written first (80 a step, 8 a group). Measured is the whole
re-scoring, from reading the run's database to the stored curve, for a built-in reward set and for
much the same rewards in Python, which run in the sandbox. The comparison starts a new Python for
every completion, which runs the same source without a sandbox. Run on an idle machine.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.config import make_config  # noqa: E402
from rft_core.rescoring import rescore  # noqa: E402
from rft_core.rewards.contract import RewardEntry, RewardSet  # noqa: E402
from rft_core.rewards.python_source import reward_set_from_source  # noqa: E402
from rft_core.store.index import open_index  # noqa: E402
from rft_core.store.run_writer import (  # noqa: E402
    GenerationRecord,
    PromptRecord,
    RunWriter,
    StepRecord,
)
from rft_core.store.runs import add_run  # noqa: E402

LARGE = 100_000  # the run that times are projected to
PER_STEP, PER_GROUP = 80, 8
FRESH_COUNT = 40  # a fresh Python is slow: it is measured on few completions
RUN = "run"
BUILT_IN = RewardSet((RewardEntry("format", "format"), RewardEntry("equation", "equation")))
PYTHON = r"""
import re

_FORM = re.compile(r"<think>.*?</think>\s*<answer>([\d+*/() -]+)</answer>", re.DOTALL)


def tags(completions, **columns):
    return [float(_FORM.fullmatch(text) is not None) for text in completions]


def hits(completions, nums, target, **columns):
    return [_hit(*sample) for sample in zip(completions, nums, target)]


def _hit(text, numbers, goal):
    found = _FORM.search(text)
    if not found or sorted(map(int, re.findall(r"\d+", found[1]))) != sorted(numbers):
        return 0.0
    try:
        return float(eval(found[1]) == goal)
    except (SyntaxError, ArithmeticError, TypeError):
        return 0.0
"""
FRESH = (
    PYTHON + "\nimport json, sys\nsample = json.load(sys.stdin)\ntags(**sample), hits(**sample)\n"
)


def main() -> None:
    steps = (int(sys.argv[1]) if len(sys.argv) > 1 else LARGE) // PER_STEP
    rng = random.Random(0)
    rows = [{"nums": [rng.randint(1, 99) for _ in range(4)], "target": 10 + i} for i in range(100)]
    fresh = measure_fresh(rng, rows)
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder), rng, rows, steps)
        print(f"{steps * PER_STEP:,} generations, {PER_STEP} a step; times for {LARGE:,}")
        print_line("a fresh Python each", fresh, fresh)
        for title, rewards in (
            ("built-in rewards", BUILT_IN),
            ("Python, sandboxed", reward_set_from_source(PYTHON)),
        ):
            result = rescore(Path(folder), RUN, rewards)
            assert result.scored == steps * PER_STEP and not result.problems, result
            print_line(title, result.scored / result.seconds, fresh)


def print_line(title: str, rate: float, fresh: float) -> None:
    print(f"{title:<20} {rate:10,.0f} /s {rate / fresh:6,.0f}x {LARGE / rate:10,.1f} s")


def write_run(runs_dir: Path, rng: random.Random, rows: list[dict], steps: int) -> None:
    with open_index(runs_dir) as index:
        add_run(index, id=RUN, config=make_config({"task": "countdown"}))
    writer = RunWriter(runs_dir, RUN)
    writer.start_attempt(from_step=0, pid=1)
    messages = [{"role": "user", "content": "Reach the target."}]
    asked = [PromptRecord(i, row, messages, "prompt") for i, row in enumerate(rows)]
    for step in range(1, steps + 1):
        made = []
        for index in range(PER_STEP):
            group, sample = divmod(index, PER_GROUP)
            place = (step + group) % len(rows)
            text = write_completion(rng, rows[place])
            reward = float(rng.random() < 0.5)
            made.append(
                GenerationRecord(
                    group, sample, place, text, 90, False, reward, reward - 0.5, {"old": reward}, {}
                )
            )
        writer.record_step(StepRecord(step, "train", {"reward": 0.5}, made, asked), max_steps=steps)
    writer.close()


def write_completion(rng: random.Random, row: dict) -> str:
    """A thought of some sixty words, and an answer in the right form three times out of four."""
    pairs = [rng.sample(row["nums"], 2) for _ in range(9)]
    tries = [f"{a} + {b} = {a + b}, not it;" for a, b in pairs]
    answer = " - ".join(map(str, rng.sample(row["nums"], 4)))
    last = "" if rng.random() < 0.25 else "</answer>"
    return f"<think>{' '.join(tries)}</think>\n<answer>{answer}{last}"


def measure_fresh(rng: random.Random, rows: list[dict]) -> float:
    samples = [
        {"completions": [write_completion(rng, row)], **{k: [v] for k, v in row.items()}}
        for row in rows[:FRESH_COUNT]
    ]
    start = time.perf_counter()
    for sample in samples:
        command = [sys.executable, "-I", "-B", "-c", FRESH]
        subprocess.run(command, input=json.dumps(sample), text=True, check=True)
    return FRESH_COUNT / (time.perf_counter() - start)


if __name__ == "__main__":
    main()
