"""How many planted bugs do the reward probes catch, and how many sound rewards do they accuse?

    python benchmarks/probe_rates.py [PATTERN]

Prints for each reward of the test suites (whose names hold PATTERN) which probes pay, on four
prompts and on a single one, and then the rates. The goal: 9 of 10 caught, 1 of 20 accused.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.diagnosis.reward_files import Subject, list_grader_sets, list_subjects  # noqa: E402

PROMPTS = (4, 1)
SUITES: dict[str, Sequence[Subject]] = {
    "planted": list_subjects("planted"),
    "planted, hold-out": list_subjects("planted/hold_out"),
    "planted, of graders": list_grader_sets(planted=True),
    "sound": list_subjects("sound"),
    "sound, hold-out": list_subjects("sound/hold_out"),
    "sound, of graders": list_grader_sets(planted=False),
}


def main() -> None:
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = []
    for name, subjects in SUITES.items():
        chosen = [subject for subject in subjects if pattern in subject.name]
        for count in PROMPTS:
            start = time.monotonic()
            flagged = [print_subject(name, subject, count) for subject in chosen]
            seconds = (time.monotonic() - start) / max(1, len(chosen))
            lines.append(
                f"{name:<22}{count} prompts   {sum(flagged):>3} of {len(chosen):>3} flagged   "
                f"{seconds:.2f} s each"
            )
    print("\n" + "\n".join(lines))


def print_subject(suite: str, subject: Subject, count: int) -> bool:
    report = subject.probe(count)
    names = ", ".join(result.name for result in report.paying) or "-"
    print(f"{suite:<22}{count}  {subject.name:<36}{names}", flush=True)
    return bool(report.paying)


if __name__ == "__main__":
    main()
