"""How often our checks of instructions agree with IFEval's published checker, answer by answer.

    python benchmarks/ifeval_agreement.py IFEval.jsonl.gz ANSWERS.jsonl.gz... [--show KIND]

The first file has the prompts as published; the others one model's answers each, with the checker's
verdict on every instruction (`follow_instruction_list`). Gzipped JSON lines, none of them here.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rft_core.rewards.text.instruction_kinds import KINDS, as_read  # noqa: E402
from rft_core.tasks.ifeval_rows import constraints_of  # noqa: E402


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prompts", type=Path)
    parser.add_argument("answers", type=Path, nargs="+")
    parser.add_argument("--show", default="", help="print the answers on which this kind differs")
    options = parser.parse_args()
    constraints: dict[str, list[dict[str, Any]]] = {}
    left_out = 0
    for row in read_lines(options.prompts):
        names = [name.removeprefix("en:") for name in row["instruction_id_list"]]
        try:
            found = constraints_of({**row, "instruction_id_list": names})["constraints"]
        except ValueError:
            left_out += 1
            continue
        constraints[row["prompt"]] = found
    asked, same = 0, 0
    kinds: Counter[tuple[str, bool]] = Counter()
    for path in options.answers:
        for answer in read_lines(path):
            known = constraints.get(answer["prompt"], [])
            text = as_read(answer["response"])
            verdicts = answer["follow_instruction_list"][: len(known)]
            for constraint, theirs in zip(known, verdicts, strict=True):
                ours = KINDS[constraint["kind"]].check(text, constraint)
                asked, same = asked + 1, same + (ours == theirs)
                if ours != theirs:
                    kinds[constraint["kind"], ours] += 1
                    if constraint["kind"] == options.show:
                        print(f"\n--- ours {ours}, theirs {theirs}: {constraint}\n{text[-1500:]}")
    print(f"{len(constraints)} of {len(constraints) + left_out} rows usable")
    print(f"{same} of {asked} instructions judged alike: {same / asked:.2%}")
    for (kind, ours), count in kinds.most_common():
        print(f"  {kind:20} ours {'kept' if ours else 'not kept':8} {count}")


if __name__ == "__main__":
    main()
