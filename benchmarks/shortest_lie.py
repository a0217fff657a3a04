"""How many planted bugs does the search for a lie break, and does it find any in sound rewards?

    python benchmarks/shortest_lie.py [PATTERN] [--seconds 60] [--only sound] [--cpu] [--seed 0]

One search after the other over the rewards of `tests/diagnosis/lie_subjects.py` (whose names hold
PATTERN), all with the same settings on the same four prompts of the task. Prints a row for each.
The goal: 27 of 30 broken within 60 s each, none found in 20 sound ones. `--cpu` counts the seconds
of processor time that the search and its sandbox use, for machines that are shared with others.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil  # noqa: E402

from rft_core.diagnosis.shortest_lie.ledger import Budget  # noqa: E402
from tests.diagnosis.lie_subjects import (  # noqa: E402
    LieSubject,
    list_planted_lies,
    list_sound_lies,
)

SHOWN = 70  # characters of a lie
NO_LIMIT = 10**9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--only", choices=("planted", "sound"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    clock = CpuClock() if options.cpu else time.monotonic
    for title, subjects in (("planted", list_planted_lies()), ("sound", list_sound_lies())):
        if options.only not in (None, title):
            continue
        chosen = [subject for subject in subjects if options.pattern in subject.name]
        print(f"\n| {title} | task | lie | seconds | wall | tried | what the check says |")
        print("|---|---|---|---|---|---|---|", flush=True)
        found = [search(subject, options.seconds, options.seed, clock) for subject in chosen]
        print(f"\n{title}: {sum(found)} of {len(found)} broken", flush=True)


class CpuClock:
    """Seconds of processor time of this process and of all that it has started."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, float], float] = {}

    def __call__(self) -> float:
        own = psutil.Process()
        for process in [own, *own.children(recursive=True)]:
            try:
                times = process.cpu_times()
                spent = times.user + times.system + times.children_user + times.children_system
                self._seen[process.pid, process.create_time()] = spent
            except psutil.Error:
                continue
        return sum(self._seen.values())


def search(subject: LieSubject, seconds: float, seed: int, clock: Callable[[], float]) -> bool:
    start = time.monotonic()
    report = subject.search(Budget(seconds, NO_LIMIT), seed=seed, clock=clock)
    lie = report.lie
    shown = "–" if lie is None else f"`{lie.completion[:SHOWN]!r}`"
    if lie and not lie.is_minimal:
        shown += " (not least)"
    why = " ".join(report.remarks) if lie is None else lie.reason[:SHOWN]
    print(
        f"| {subject.name} | {subject.prompts} | {shown} | {report.seconds:.1f} "
        f"| {time.monotonic() - start:.0f} | {report.tried:,} | {why} |".replace("\n", " "),
        flush=True,
    )
    return lie is not None


if __name__ == "__main__":
    main()
