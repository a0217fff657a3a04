"""What mathematics makes of MATH's own answers: right for themselves, wrong for the row before.

    python benchmarks/math_golds.py MATH_test.jsonl.gz

Gzipped JSON lines with `solution`, as published; the file is not part of this project.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rft_core.rewards.completion_text import from_box  # noqa: E402
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet  # noqa: E402
from rft_core.rewards.scorer import Scorer  # noqa: E402

AT_ONCE = 250
SECONDS = 600.0  # for so many


def score(scorer: Scorer, pairs: Sequence[tuple[str, str]]) -> list[float | None]:
    """Of each (gold answer, answer)."""
    found: list[float | None] = []
    for start in range(0, len(pairs), AT_ONCE):
        part = pairs[start : start + AT_ONCE]
        texts = [f"<answer>{answer}</answer>" for _, answer in part]
        rows = [{"answer": gold} for gold, _ in part]
        batch = Batch([[] for _ in part], texts, rows)
        found += [sample.reward for sample in scorer.score(batch).samples]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    with gzip.open(parser.parse_args().file, "rt", encoding="utf-8") as lines:
        boxes = [from_box(json.loads(line)["solution"]).text for line in lines]
    golds = [box for box in boxes if box]
    others = [*golds[1:], golds[0]]
    rewards = RewardSet((RewardEntry("m", "math_equivalence"),))
    with Scorer(rewards, timeout=SECONDS) as scorer:
        own = Counter(score(scorer, [(gold, gold) for gold in golds]))
        crossed = score(scorer, list(zip(golds, others, strict=True)))
    print(f"{own[1.0]} of {len(boxes)} answers are right for themselves ({own}), ")
    print(f"{len(boxes) - len(golds)} solutions have no single box")
    paid = [
        pair
        for pair, reward in zip(zip(golds, others, strict=True), crossed, strict=True)
        if reward == 1.0 and pair[0] != pair[1]
    ]
    print(f"for the row before: {Counter(crossed)}; paid though spelt otherwise: {paid}")


if __name__ == "__main__":
    main()
