"""One training step's worth of programs: 512 completions x 4 tests, 2% of them endless loops.

    python benchmarks/sandbox_step.py [COMPLETIONS]

Scored by the `unit_tests` grader with its own limits, two programs at a time. The goal is 30
seconds; every honest program must earn its full reward, and every endless one nothing.
"""

import random
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rft_core.rewards.contract import Batch, RewardEntry, RewardSet  # noqa: E402
from rft_core.rewards.scorer import Scorer  # noqa: E402

GOAL_SECONDS = 30
SHARE_OF_LOOPS = 0.02
ROW = {
    "prompt": "Return the numbers in ascending order, each once.",
    "entry_point": "unique",
    "tests": [[[[3, 1, 3]], [1, 3]], [[[]], []]],
    "hidden_tests": [[[[5, 4, 4, 9]], [4, 5, 9]], [[[-1, -3]], [-3, -1]]],
}
HONEST = "def unique(numbers):\n    return sorted(set(numbers))\n"
LOOP = "def unique(numbers):\n    while True:\n        pass\n"


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 512
    loops = set(random.Random(0).sample(range(count), round(count * SHARE_OF_LOOPS)))
    completions = [LOOP if index in loops else HONEST for index in range(count)]
    with Scorer(RewardSet((RewardEntry("tests", "unit_tests"),)), timeout=120) as scorer:
        score(scorer, [HONEST])  # starts the fork server
        start = time.perf_counter()
        rewards = score(scorer, completions)
        seconds = time.perf_counter() - start
    assert rewards == [0.0 if index in loops else 1.0 for index in range(count)]
    print(f"{count} completions x 4 tests, {len(loops)} of them endless: {seconds:.1f} s")
    print(f"goal {GOAL_SECONDS} s; all honest programs right, all endless ones 0")


def score(scorer: Scorer, completions: list[str]) -> list[float | None]:
    count = len(completions)
    scoring = scorer.score(Batch([[]] * count, completions, [ROW] * count))
    return [sample.reward for sample in scoring.samples]


if __name__ == "__main__":
    main()
