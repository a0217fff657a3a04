"""Published programs beside our graders: do the authors' own solutions pass the authors' own tests?

    python benchmarks/published_programs.py FOLDER [--limit N]

The folder holds files as published, gzipped JSON lines; none of them is part of this project, and
those that are not there are left out: HumanEval.jsonl.gz and MBPP.jsonl.gz (rows with tests and a
solution), gsm8k_model_solutions.jsonl.gz (four models' solutions, each judged `is_correct`). Beside
every solution stands one that must earn nothing: a function that returns None, and one that returns
what the visible test expects.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rft_core.data.mapping import ColumnMapping, apply_mapping, suggest_mapping  # noqa: E402
from rft_core.data.table import Table  # noqa: E402
from rft_core.rewards.contract import Batch, RewardSet, Scored  # noqa: E402
from rft_core.rewards.scorer import Scorer  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402
from rft_core.tasks.cheats import python_cheats  # noqa: E402
from rft_core.tasks.published_formats import adopt_table  # noqa: E402

PROGRAM_FILES = ("HumanEval.jsonl.gz", "MBPP.jsonl.gz")
SOLUTIONS_FILE = "gsm8k_model_solutions.jsonl.gz"
CHEATS = ("what a visible test expects, always", "the visible tests, by heart", "nothing")
SECONDS, AT_ONCE = 3600.0, 200
FINAL_LINE = re.compile(r"\nA: *(.*)\s*\Z")
FORMS = {
    "#### n": lambda thought, answer: f"{thought}\n#### {answer}",
    "<answer>": lambda thought, answer: f"<think>{thought}</think>\n<answer>{answer}</answer>",
    "\\boxed{}": lambda thought, answer: f"{thought}\n\\boxed{{{answer}}}",
}

Pair = tuple[dict[str, Any], str]  # a row, and a completion


def read_lines(path: Path, limit: int | None) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines][:limit]


def judge(rewards: RewardSet, pairs: Sequence[Pair]) -> Iterator[Scored]:
    with Scorer(rewards, timeout=SECONDS) as scorer:
        for start in range(0, len(pairs), AT_ONCE):
            part = pairs[start : start + AT_ONCE]
            rows, completions = [row for row, _ in part], [text for _, text in part]
            yield from scorer.score(Batch([[]] * len(part), completions, rows)).samples


def judge_programs(path: Path, limit: int | None) -> None:
    """Every row of the file: used, or left out with the reason; and what its solution earns."""
    task = get_task("python_code")
    published = read_lines(path, limit)
    adopted = adopt_table(
        Table(path.name, "jsonl", tuple(published[0]), tuple(published)), task.name
    )
    mapping = ColumnMapping(suggest_mapping(adopted.table, task.fields))
    rows = [dict(row) for row in apply_mapping(adopted.table, mapping, task.fields)]
    print(f"\n{path.name}: {len(rows)} of {len(published)} rows usable")
    for why in adopted.left_out:
        print(f"  left out: {why}")
    assert len(rows) + len(adopted.left_out) == len(published)
    golds = [(row, str(task.write_gold(row))) for row in rows]
    scored = list(judge(task.reward_set, golds))
    right = sum(sample.scores["correctness"] == 1.0 for sample in scored)
    print(f"  {right} of {len(rows)} solutions pass their tests")
    for row, sample in zip(rows, scored, strict=True):
        if sample.scores["correctness"] != 1.0:
            print(f"  not 1: {row['entry_point']}: {sample.reasons['correctness']}")
    for cheat in CHEATS:
        tried = [(row, text) for row in rows if (text := python_cheats(row).get(cheat))]
        results = judge(task.reward_set, tried)
        paid = [
            row["entry_point"]
            for (row, _), sample in zip(tried, results, strict=True)
            if sample.scores["correctness"] == 1.0
        ]
        print(f"  {cheat}: {len(paid)} of {len(tried)} are paid {' '.join(paid)}".rstrip())


def judge_solutions(path: Path, limit: int | None) -> None:
    """Each sampled solution in three forms, held against the verdict that it was published with."""
    task = get_task("gsm8k")
    lines = read_lines(path, limit)
    solutions: list[tuple[dict[str, Any], str, str, bool]] = []
    for line in lines:
        row = {"question": line["question"], "answer": f"#### {find_final(line['ground_truth'])}"}
        for value in line.values():
            if isinstance(value, dict) and "is_correct" in value:
                text = str(value["solution"])
                thought = FINAL_LINE.sub("", text)
                solutions.append((row, thought, find_final(text), bool(value["is_correct"])))
    print(f"\n{path.name}: {len(solutions)} solutions, {sum(s[3] for s in solutions)} right")
    for form, write in FORMS.items():
        pairs = [(row, write(thought, answer)) for row, thought, answer, _ in solutions]
        verdicts = [sample.scores["correctness"] for sample in judge(task.reward_set, pairs)]
        kinds = Counter(zip((s[3] for s in solutions), verdicts, strict=True))
        agreed = kinds[True, 1.0] + kinds[False, 0.0]
        print(f"  {form}: {agreed} of {len(solutions)} agree")
        for (is_right, verdict), count in kinds.items():
            if (is_right, verdict) not in ((True, 1.0), (False, 0.0)):
                theirs = "right" if is_right else "wrong"
                print(f"    published as {theirs}, ours {verdict}: {count}")


def find_final(text: str) -> str:
    found = FINAL_LINE.search(text)
    return found[1].strip() if found else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=None, help="only the first rows of each file")
    options = parser.parse_args()
    for name in PROGRAM_FILES:
        if (path := options.folder / name).exists():
            judge_programs(path, options.limit)
    if (path := options.folder / SOLUTIONS_FILE).exists():
        judge_solutions(path, options.limit)


if __name__ == "__main__":
    main()
